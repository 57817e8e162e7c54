/**
 * Runs `body` and counts the integers it reads out of bytes: a measure of a parser's work that is
 * the same on every machine, however busy.
 */
export function countReads(body: () => void): number {
  const prototype = DataView.prototype;
  const names = ["getUint8", "getUint16", "getUint32"] as const;
  const originals = names.map((name) => prototype[name]);
  let reads = 0;
  for (const [i, name] of names.entries()) {
    prototype[name] = function (this: DataView, at: number, littleEndian?: boolean) {
      reads++;
      return originals[i]!.call(this, at, littleEndian);
    };
  }
  try {
    body();
  } finally {
    for (const [i, name] of names.entries()) prototype[name] = originals[i]!;
  }
  return reads;
}
