import mozjpeg from "@jsquash/jpeg/codec/dec/mozjpeg_dec.js";
import { LimitError } from "../../errors.ts";
import { damaged } from "../bytes.ts";
import { decodeRawJpeg } from "../imagescript.ts";
import { WasmDecoder } from "../wasm.ts";
import { type JpegFile, parseJpeg } from "./markers.ts";

/**
 * Every scan walks the whole picture again, so a small file of thousands of empty scans would keep a
 * decoder busy for minutes. Encoders write 1 to 12.
 */
const MAX_SCANS = 100;

/**
 * libjpeg's warnings that mean lost pixels. Others (stray bytes between segments, an unknown JFIF
 * revision) leave the picture whole.
 */
const DAMAGE = /^(Corrupt JPEG data(?!: \d+ extraneous)|Premature end|Inconsistent progression)/;

/** An APP14 segment that says "Adobe, no colour transform": the four components are inks. */
const ADOBE_MARKER = Uint8Array.from([
  ...[0xff, 0xee, 0, 14],
  ...Array.from("Adobe", (c) => c.charCodeAt(0)),
  ...[0, 100, 0, 0, 0, 0, 0],
]);

const decoder = new WasmDecoder(mozjpeg, "@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm");

/**
 * Decodes a JPEG to `H×W×3` bytes; grey and CMYK (Adobe's inverted one included) become RGB.
 *
 * RGB and grey go through libjpeg (mozjpeg's build of libjpeg-turbo in Wasm), whose output is equal
 * byte by byte to what other programs on libjpeg-turbo see; libjpeg does not convert CMYK, which
 * goes through imagescript.
 *
 * @throws {DecodeError} also when the data ends early or is corrupt, where libjpeg itself would only
 * warn and hand out a picture that is part grey.
 * @throws {UnsupportedFormatError}
 * @throws {LimitError} when the file has more than 100 scans.
 */
export async function decodeJpeg(bytes: Uint8Array): Promise<Uint8Array> {
  const jpeg = parseJpeg(bytes, true);
  if (jpeg.scans > MAX_SCANS) {
    throw new LimitError(
      `Cannot decode image: JPEG has ${jpeg.scans} scans, limit is ${MAX_SCANS} scans`,
    );
  }
  if (jpeg.components === 4) return decodeCmyk(bytes, jpeg);
  const { image, messages } = await decoder.run(bytes, false);
  const complaint = image ? messages.find((line) => DAMAGE.test(line)) : messages.at(-1);
  if (!image || complaint) {
    throw damaged(`JPEG data is truncated or damaged (${complaint ?? "decoder failed"})`);
  }
  if (image.width !== jpeg.width || image.height !== jpeg.height) {
    throw damaged("JPEG header and data disagree about the size");
  }
  return dropAlpha(image.data, jpeg.width * jpeg.height);
}

/**
 * CMYK files store their inks inverted, as Adobe's programs do. Those without Adobe's marker are taken
 * to do the same, as Pillow takes them; imagescript refuses them, so they are lent the marker.
 */
function decodeCmyk(bytes: Uint8Array, jpeg: JpegFile): Uint8Array {
  if (jpeg.adobe) return cmykToRgb(decodeRawJpeg(bytes, jpeg));
  const marked = new Uint8Array(bytes.length + ADOBE_MARKER.length);
  marked.set(bytes.subarray(0, 2));
  marked.set(ADOBE_MARKER, 2);
  marked.set(bytes.subarray(2), 2 + ADOBE_MARKER.length);
  return cmykToRgb(decodeRawJpeg(marked, jpeg));
}

/** `H×W×4` to `H×W×3`; JPEG has no transparency, so the fourth byte says nothing. */
function dropAlpha(rgba: Uint8ClampedArray, pixels: number): Uint8Array {
  const out = new Uint8Array(pixels * 3);
  for (let i = 0, o = 0; o < out.length; i += 4, o += 3) {
    out[o] = rgba[i]!;
    out[o + 1] = rgba[i + 1]!;
    out[o + 2] = rgba[i + 2]!;
  }
  return out;
}

/** Ink amounts 0..255, `H×W×4`, to `H×W×3`: the plain conversion, without a colour profile. */
function cmykToRgb(cmyk: Uint8Array): Uint8Array {
  const out = new Uint8Array(cmyk.length / 4 * 3);
  for (let i = 0, o = 0; o < out.length; i += 4, o += 3) {
    const white = 255 - cmyk[i + 3]!;
    out[o] = Math.round((255 - cmyk[i]!) * white / 255);
    out[o + 1] = Math.round((255 - cmyk[i + 1]!) * white / 255);
    out[o + 2] = Math.round((255 - cmyk[i + 2]!) * white / 255);
  }
  return out;
}
