/** Model cards: Markdown as `deno fmt` leaves it. */

import type { ModelInfo } from "../runtime/models.ts";

/** What a card tells beside what the manifest knows. */
export interface ModelCard {
  /** First paragraph: what the model is for. */
  readonly summary: string;
  /** Inputs, outputs and whatever else belongs in the table at the top. */
  readonly facts?: readonly (readonly [name: string, value: string])[];
  /** Headings and their Markdown. */
  readonly sections: readonly (readonly [heading: string, text: string])[];
}

/** Writes a card: summary, table of facts, sections, how the model was made, and its terms. */
export function renderModelCard(
  name: string,
  info: ModelInfo,
  { summary, facts = [], sections }: ModelCard,
): string {
  const { file, bytes, mean, std, backbone, precision, madeBy, origin, licence } = info;
  const rows = [
    ["file", `\`${file}\`, ${(bytes / 1e6).toFixed(1)} MB`],
    ...(backbone === undefined ? [] : [["backbone", backbone]]),
    ["input", `\`(RGB/255 − mean)/std\`, mean ${mean.join(", ")}, std ${std.join(", ")}`],
    ["stride", `${info.outputStride} pixels per cell`],
    ...("classes" in info ? [["classes", info.classes.join(", ")]] : []),
    ...(precision === undefined ? [] : [["weights", precision]]),
    ...facts,
  ] as [string, string][];
  const parts = [
    `# ${name}`,
    wrap(summary),
    markdownTable(["", ""], rows),
    "The file's SHA-256 and all numbers in use are in `manifest.json`.",
    ...sections.flatMap(([heading, text]) => [`## ${heading}`, text.trim()]),
    "## How it was made",
    "```sh\n" + madeBy + "\n```",
    wrap(`Started from: ${origin}.`),
    "## Terms",
    wrap(`${licence.replace(/\.$/, "")}.`),
  ];
  return parts.join("\n\n") + "\n";
}

/**
 * A table with columns of equal width.
 *
 * @param head One text for each column.
 * @param align Of each column. Default: all left.
 */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  align: readonly ("left" | "right")[] = [],
): string {
  const widths = head.map((text, column) =>
    Math.max(3, ...[text, ...rows.map((row) => row[column] ?? "")].map(widthOf))
  );
  const line = (cells: readonly string[]) =>
    `| ${
      widths.map((width, column) => {
        const cell = cells[column] ?? "";
        const space = " ".repeat(width - widthOf(cell));
        return align[column] === "right" ? space + cell : cell + space;
      }).join(" | ")
    } |`;
  const rule = widths.map((width, column) =>
    align[column] === "right" ? "-".repeat(width - 1) + ":" : "-".repeat(width)
  );
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}

/** Characters; none of those in use here is wider than one. */
function widthOf(text: string): number {
  return [...text].length;
}

/** Breaks a paragraph into lines of at most 100 characters. */
function wrap(text: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.trim().split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > 100) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\n");
}
