/** The figures that `voc:evaluate` has written. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ChainResult } from "../evaluation/chain_report.ts";

/** Results as `voc:evaluate` wrote them; none before. */
export function readResults(folder: string): ChainResult[] {
  const path = join(folder, "evaluation", "metrics.json");
  if (!existsSync(path)) return [];
  return (JSON.parse(readFileSync(path, "utf8")) as { results: ChainResult[] }).results;
}
