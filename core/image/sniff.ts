import { UnsupportedFormatError } from "../errors.ts";
import { damaged, hasAscii, requireBytes } from "./bytes.ts";
import type { ImageFormat } from "./format.ts";

/** Magic bytes of what people send by mistake, so that the error can name it. */
const KNOWN_OTHERS: readonly (readonly [name: string, offset: number, magic: string])[] = [
  ["BMP", 0, "BM"],
  ["PDF", 0, "%PDF"],
  ["PSD", 0, "8BPS"],
  ["JPEG XL", 0, "\xff\x0a"],
  ["JPEG XL", 0, "\0\0\0\x0cJXL "],
  ["JPEG 2000", 0, "\0\0\0\x0cjP  "],
  ["JPEG 2000", 0, "\xff\x4f\xff\x51"],
  ["ICO", 0, "\0\0\x01\0"],
  ["PNM", 0, "P5"],
  ["PNM", 0, "P6"],
  ["QOI", 0, "qoif"],
  ["OpenEXR", 0, "\x76\x2f\x31\x01"],
  ["DDS", 0, "DDS "],
  ["DICOM", 128, "DICM"],
  ["ZIP", 0, "PK\x03\x04"],
  ["gzip", 0, "\x1f\x8b"],
  ["NumPy", 0, "\x93NUMPY"],
  ["HDF5", 0, "\x89HDF"],
  ["PostScript", 0, "%!PS"],
  ["WAV", 8, "WAVE"],
  ["AVI", 8, "AVI "],
  ["Matroska/WebM", 0, "\x1a\x45\xdf\xa3"],
];

/** Brands of the ISO base media file format (`ftyp` box). */
const BRANDS: Record<string, string> = {
  heic: "HEIC",
  heix: "HEIC",
  heim: "HEIC",
  heis: "HEIC",
  hevc: "HEIC",
  hevx: "HEIC",
  mif1: "HEIF",
  msf1: "HEIF",
  avif: "AVIF",
  avis: "AVIF",
  crx: "Canon CR3",
  jp2: "JPEG 2000",
  qt: "QuickTime",
};

/**
 * Tells the format of an image by its magic bytes alone; a file's name or declared media type is
 * never trusted.
 *
 * @throws {UnsupportedFormatError} when it is none of the five formats; the text names what it is,
 * when that can be told.
 * @throws {DecodeError} when there are no bytes at all.
 */
export function sniffFormat(bytes: Uint8Array): ImageFormat {
  requireBytes(bytes);
  if (bytes.length === 0) throw damaged("the input is empty");
  if (hasAscii(bytes, 0, "\xff\xd8\xff")) return "jpeg";
  if (hasAscii(bytes, 0, "\x89PNG\r\n\x1a\n")) return "png";
  if (hasAscii(bytes, 0, "GIF87a") || hasAscii(bytes, 0, "GIF89a")) return "gif";
  if (hasAscii(bytes, 0, "II\x2a\0") || hasAscii(bytes, 0, "MM\0\x2a")) return "tiff";
  if (hasAscii(bytes, 0, "RIFF") && hasAscii(bytes, 8, "WEBP")) return "webp";
  const name = nameOther(bytes);
  throw new UnsupportedFormatError(
    `Cannot decode image: ${
      name ? `${name} is not supported` : "the format is not recognised"
    }; send JPEG, PNG, WebP, GIF or TIFF`,
  );
}

function nameOther(bytes: Uint8Array): string | undefined {
  if (hasAscii(bytes, 4, "ftyp")) {
    const brand = String.fromCharCode(...bytes.subarray(8, 12)).trim();
    return BRANDS[brand] ?? "MP4";
  }
  if (hasAscii(bytes, 0, "II\x2b\0") || hasAscii(bytes, 0, "MM\0\x2b")) return "BigTIFF";
  for (const [name, offset, magic] of KNOWN_OTHERS) {
    if (hasAscii(bytes, offset, magic)) return name;
  }
  return nameText(bytes);
}

/** HTML, SVG, JSON and so on: error pages and drawings saved under an image's name. */
function nameText(bytes: Uint8Array): string | undefined {
  const head = new TextDecoder().decode(bytes.subarray(0, 1024)).replace(/^\uFEFF/, "").trimStart()
    .toLowerCase();
  if (head.startsWith("<svg") || (head.startsWith("<?xml") && head.includes("<svg"))) return "SVG";
  if (head.startsWith("<!doctype html") || head.startsWith("<html")) return "HTML";
  if (head.startsWith("<?xml")) return "XML";
  if (head.startsWith("<")) return "HTML";
  if (/^[{[]\s*["{[\]}]/.test(head)) return "JSON";
  if (head.startsWith("data:image/")) return "a data: URL";
  return undefined;
}
