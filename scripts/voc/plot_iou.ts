/** A bar chart of IoU by class and kind of result, as SVG. */

import type { ChainResult } from "../../core/evaluation/chain_report.ts";

const LEFT = 110;
const RIGHT = 40;
const TOP = 60;
const BAR = 9;
const GAP = 10;
const LENGTH = 520;
/** Okabe and Ito's colours, which colour-blind readers can tell apart. */
const COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"];

/** Draws the classes that occur in the truth, one bar for every kind of result. */
export function plotIou(results: readonly ChainResult[], title: string): string {
  const classes = results[0]!.classes.flatMap(({ name }, c) =>
    results.some(({ classes }) => classes[c]!.pixels > 0) ? [{ name, c }] : []
  );
  const row = results.length * BAR + GAP;
  const width = LEFT + LENGTH + RIGHT;
  const height = TOP + classes.length * row + 30;
  const lines: string[] = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    text(LEFT, 20, title, `font-size="14" font-weight="bold"`),
  ];
  results.forEach(({ kind, at }, i) => {
    const x = LEFT + i * 150;
    const mean = (100 * (at.chosen ?? at.present ?? at.miou)).toFixed(1);
    lines.push(
      `<rect x="${x}" y="32" width="10" height="10" fill="${COLOURS[i % COLOURS.length]}"/>`,
      text(x + 15, 42, `${kind} ${mean}`),
    );
  });
  const bottom = TOP + classes.length * row;
  for (let share = 0; share <= 100; share += 20) {
    const x = LEFT + LENGTH * share / 100;
    lines.push(
      `<line x1="${x}" y1="${TOP - 6}" x2="${x}" y2="${bottom}" stroke="#ddd"/>`,
      text(x, bottom + 16, `${share}`, `text-anchor="middle"`),
    );
  }
  classes.forEach(({ name, c }, i) => {
    const y = TOP + i * row;
    lines.push(text(LEFT - 8, y + (results.length * BAR) / 2 + 4, name, `text-anchor="end"`));
    results.forEach(({ classes }, k) => {
      const iou = classes[c]!.iou ?? 0;
      lines.push(
        `<rect x="${LEFT}" y="${y + k * BAR}" width="${(LENGTH * iou).toFixed(1)}" ` +
          `height="${BAR - 1}" fill="${COLOURS[k % COLOURS.length]}"/>`,
      );
    });
  });
  return [...lines, "</svg>", ""].join("\n");
}

function text(x: number, y: number, content: string, more = ""): string {
  const safe = content.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  return `<text x="${x}" y="${y}" ${more}>${safe}</text>`;
}
