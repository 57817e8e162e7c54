import assert from "node:assert/strict";
import { parseCsv } from "../../../core/data/csv.ts";

const cells = (text: string) => parseCsv(text, "t.csv").map((row) => [row.line, ...row.cells]);

Deno.test("parseCsv() reads quotes, all line ends and empty cells, and counts lines", () => {
  assert.deepEqual(cells("a,b\r\n1,\n\n,2"), [[1, "a", "b"], [2, "1", ""], [4, "", "2"]]);
  const quoted = '\uFEFF"a, b","say ""x"""\n"two\nlines",c\nd,e\n';
  assert.deepEqual(cells(quoted), [[1, "a, b", 'say "x"'], [2, "two\nlines", "c"], [4, "d", "e"]]);
  assert.deepEqual(cells(""), []);
});

Deno.test("parseCsv() names the line of a quote that is wrong", () => {
  assert.throws(() => cells('a\n"b\nc'), /^SyntaxError: t\.csv line 2: a quoted cell has no end/);
  assert.throws(() => cells('a\n"b" c,d'), /t\.csv line 2: text follows/);
});
