/** Names for images whose files may be called anything and lie in any folder. */

import { createHash } from "node:crypto";
import { posix } from "node:path";

/** Longest id in bytes of UTF-8; endings and the names of parts of files need room beside it. */
const MAX_BYTES = 160;
/** Names that Windows keeps for devices, whatever their ending. */
const DEVICES = /^(con|prn|aux|nul|com\d|lpt\d)$/i;

/**
 * Gives every file an id that is the plain name of a file on any system: the path without its ending,
 * `__` for each `/`, and `_` for what is no letter, digit, `.`, `_` or `-`. Where another path could have
 * given the same, or where one has already, `-` and eight digits of the path's SHA-256 follow. So a file's
 * id does not depend on the files listed behind it.
 *
 * @param paths Relative, with `/` between folders, no two alike.
 * @returns The ids, in the order of the paths, no two alike, in upper and lower case neither.
 */
export function imageIds(paths: readonly string[]): string[] {
  const taken = new Set<string>();
  return paths.map((path) => {
    const plain = plainId(path);
    const key = plain.toLowerCase();
    const id = taken.has(key) ? withDigest(plain, path) : plain;
    taken.add(id.toLowerCase());
    return id;
  });
}

function plainId(path: string): string {
  const { dir, name } = posix.parse(path.normalize("NFC"));
  const stem = dir === "" ? name : `${dir}/${name}`;
  const id = stem.replaceAll("/", "__").replace(/[^\p{L}\p{M}\p{N}._-]/gu, "_")
    // Neither hidden nor an option.
    .replace(/^[.-]/, "_");
  const short = cut(id);
  const told = short === id && id.replaceAll("__", "/") === stem && !DEVICES.test(id);
  return told ? id : withDigest(short, path);
}

function withDigest(id: string, path: string): string {
  return `${id}-${createHash("sha256").update(path).digest("hex").slice(0, 8)}`;
}

/** The beginning of an id that is not too long. */
function cut(id: string): string {
  const bytes = new Uint8Array(MAX_BYTES);
  const { read } = new TextEncoder().encodeInto(id, bytes);
  return id.slice(0, read);
}
