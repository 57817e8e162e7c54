/** Values written as text, as query parameters and command lines have them. */

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * Reads a finite decimal number: `2`, `0.5`, `.5`, `1e-3`.
 *
 * @throws {SyntaxError} The text is anything else.
 */
export function parseNumber(text: string): number {
  const value = NUMBER.test(text.trim()) ? Number(text) : NaN;
  if (!Number.isFinite(value)) throw new SyntaxError(`"${text}" is not a number`);
  return value;
}

/**
 * Splits a list at its commas; blanks around the items do not count. An empty text is an empty list.
 *
 * @throws {SyntaxError} An item is empty, as in `cat,,dog`.
 */
export function parseList(text: string): string[] {
  if (text.trim() === "") return [];
  const items = text.split(",").map((item) => item.trim());
  if (items.includes("")) throw new SyntaxError(`"${text}" has an empty item`);
  return items;
}

/**
 * Splits a list of numbers as {@linkcode parseList} does.
 *
 * @throws {SyntaxError} There is no item, or one is not a number.
 */
export function parseNumbers(text: string): number[] {
  const items = parseList(text);
  if (items.length === 0) throw new SyntaxError("no numbers given");
  return items.map(parseNumber);
}
