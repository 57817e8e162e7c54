/** Tables of comma-separated values, as RFC 4180 has them. */

/** A row and where it begins. */
export interface CsvRow {
  /** 1-based line of the file. */
  readonly line: number;
  readonly cells: readonly string[];
}

/**
 * Reads a table. Cells in double quotes may hold commas, line ends and doubled quotes; empty lines are
 * skipped, and so is a byte order mark.
 *
 * @param where Names the file in errors.
 * @throws {SyntaxError} A quote is not closed, or something follows a closed one.
 */
export function parseCsv(text: string, where: string): CsvRow[] {
  const rows: CsvRow[] = [];
  let at = text.startsWith("\uFEFF") ? 1 : 0;
  let line = 1;

  function readQuoted(): string {
    const begun = line;
    let cell = "";
    for (at++; at < text.length; at++) {
      const char = text[at]!;
      if (char === "\n") line++;
      if (char !== '"') cell += char;
      else if (text[at + 1] === '"') cell += text[++at]!;
      else {
        at++;
        if (at < text.length && !/[,\r\n]/.test(text[at]!)) {
          throw new SyntaxError(`${where} line ${line}: text follows the end of a quoted cell`);
        }
        return cell;
      }
    }
    throw new SyntaxError(`${where} line ${begun}: a quoted cell has no end`);
  }

  function readCell(): string {
    if (text[at] === '"') return readQuoted();
    const begun = at;
    while (at < text.length && !/[,\r\n]/.test(text[at]!)) at++;
    return text.slice(begun, at);
  }

  while (at < text.length) {
    const begun = line;
    const cells = [readCell()];
    while (text[at] === ",") {
      at++;
      cells.push(readCell());
    }
    if (text[at] === "\r") at++;
    if (text[at] === "\n") at++;
    line++;
    if (cells.length > 1 || cells[0]!.trim() !== "") rows.push({ line: begun, cells });
  }
  return rows;
}
