/** npm's tarballs: gzipped `ustar` archives whose files lie in a folder `package`. */

import { readdir, readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { gzipSync } from "node:zlib";

const BLOCK = 512;
/** A fixed time, so that the same files make the same tarball: 1985-10-26, as npm has it. */
const TIME = 499162500;

/** Packs a folder's files, sorted by name. */
export async function packFolder(
  folder: string,
  tarball: string,
): Promise<{ files: number; bytes: number }> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .sort();
  const blocks: Uint8Array[] = [];
  for (const path of paths) {
    const content = await readFile(join(folder, path));
    blocks.push(header(`package/${path}`, content.length), content);
    blocks.push(new Uint8Array(-content.length & (BLOCK - 1)));
  }
  blocks.push(new Uint8Array(2 * BLOCK));
  const packed = gzipSync(await new Blob(blocks as Uint8Array<ArrayBuffer>[]).bytes(), {
    level: 9,
  });
  await writeFile(tarball, packed);
  return { files: paths.length, bytes: packed.length };
}

/**
 * A file's header (POSIX.1-1988, `ustar`).
 *
 * @throws {RangeError} The name has more than 100 characters.
 */
function header(name: string, size: number): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const encoder = new TextEncoder();
  if (encoder.encode(name).length > 100) throw new RangeError(`Too long a name: ${name}`);
  const put = (at: number, text: string) => block.set(encoder.encode(text), at);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
  put(0, name);
  put(100, `${octal(0o644, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`);
  put(124, `${octal(size, 11)} ${octal(TIME, 11)} `);
  // The checksum is taken with blanks in its own place.
  put(148, "        0");
  put(257, "ustar\0" + "00");
  put(148, `${octal(block.reduce((sum, byte) => sum + byte, 0), 6)}\0 `);
  return block;
}
