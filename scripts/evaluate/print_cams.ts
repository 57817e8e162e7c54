/** Tables of an evaluated set. */

import type { CamReport, MaskKind } from "../../core/evaluation/cam_report.ts";

const ROWS: readonly (readonly [MaskKind, string])[] = [
  ["cam", "maps, known labels"],
  ["segmentKnown", "segment, known labels"],
  ["segmentPredicted", "segment, no labels"],
];

/** The report as text: means of the three kinds of masks, then every class that occurs or is predicted. */
export function formatCams(report: CamReport): string {
  const short = `mIoU ${report.chosen.length}`;
  const lines = [
    row("", [short, "present", "all", "FP", "FN"]),
    ...ROWS.map(([kind, name]) => {
      const { chosen, present, all, fp, fn } = report.means[kind];
      return row(name, [chosen, present, all, fp, fn].map(percent));
    }),
    `(mIoU ${report.chosen.length}: ${report.chosen.join(", ")})`,
    "",
    row("class", ["images", "maps", "known", "none", "AP", "found", "right"]),
  ];
  for (const { name, images, iou, averagePrecision, predicted, hits } of report.classes) {
    if (images === 0 && (predicted ?? 0) === 0) continue;
    const cells = ROWS.map(([kind]) => percent(iou[kind]));
    const tags = [predicted, hits].map((count) => count === null ? "" : String(count));
    const precision = averagePrecision === null ? "" : percent(averagePrecision);
    lines.push(row(name, [String(images), ...cells, precision, ...tags]));
  }
  if (report.sweep.length > 0) {
    lines.push("", row("threshold", [short]));
    for (const { threshold, chosen } of report.sweep) {
      lines.push(row(threshold.toFixed(2), [percent(chosen)]));
    }
  }
  return lines.join("\n");
}

function row(name: string, cells: readonly string[]): string {
  return name.padEnd(22) + cells.map((cell) => cell.padStart(8)).join("");
}

function percent(share: number | null): string {
  return share === null || Number.isNaN(share) ? "–" : (100 * share).toFixed(1);
}
