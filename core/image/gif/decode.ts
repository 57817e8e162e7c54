import { overWhite } from "../flatten.ts";
import { decodeGifFrame } from "../imagescript.ts";
import { parseGif } from "./blocks.ts";

/**
 * Decodes the first frame of a GIF to `H×W×3` bytes, laid on a white canvas of the screen's size.
 *
 * @throws {DecodeError}
 */
export function decodeGif(bytes: Uint8Array): Uint8Array {
  const { width, height, frame } = parseGif(bytes, true);
  const rgba = decodeGifFrame(bytes, frame);
  const out = new Uint8Array(width * height * 3).fill(255);
  const columns = Math.min(frame.width, width - frame.left);
  const rows = Math.min(frame.height, height - frame.top);
  for (let y = 0; y < rows; y++) {
    let i = y * frame.width * 4;
    let o = ((frame.top + y) * width + frame.left) * 3;
    for (let x = 0; x < columns; x++, i += 4, o += 3) {
      const alpha = rgba[i + 3]!;
      out[o] = overWhite(rgba[i]!, alpha);
      out[o + 1] = overWhite(rgba[i + 1]!, alpha);
      out[o + 2] = overWhite(rgba[i + 2]!, alpha);
    }
  }
  return out;
}
