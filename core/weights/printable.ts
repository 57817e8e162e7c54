/** A name out of a file, cut and stripped of control characters so that a one-line message can hold it. */
export function printable(name: string): string {
  const short = name.length > 80 ? `${name.slice(0, 80)}…` : name;
  return short.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
}
