/** The refinement kernels against the published code on the images in ../shared, where they lie there. */

import { existsSync } from "node:fs";
import * as check from "../kernels/refinement_checks.ts";
import { readGoldenFolder } from "../kernels/refinement_golden.ts";

const golden = new URL("../../../shared/golden/", import.meta.url);
const checks = {
  "perimeterFit() equals the published masks when given the picture": check.checkReferenceFit,
  "perimeterFit() equals the published masks but for seedless rims": check.checkRegionFit,
  "combineCam() equals the published combined CAMs": check.checkCombine,
  "inferDenseCrf() equals pydensecrf": check.checkCrf,
  "randomWalk() and enlargeWalk() equal the published walk": check.checkWalk,
  "affinityLabels() equals the published labels": check.checkAffinityLabels,
  "pseudoLabels() equals the published labels": check.checkPseudoLabels,
};

for (const name of ["2007_000464", "2007_001239", "2007_001763", "2011_003019", "chelsea"]) {
  const folder = new URL(`${name}/`, golden);
  const ignore = !existsSync(folder);
  for (const [title, run] of Object.entries(checks)) {
    const fn = async () => run(await readGoldenFolder(folder));
    Deno.test({ name: `${title} on ${name}`, ignore, fn });
  }
}
