/** The refinement kernels against the published code on scikit-image's cat. */

import * as check from "./refinement_checks.ts";
import { readFixture } from "./refinement_golden.ts";

const golden = await readFixture();

Deno.test("perimeterFit() equals the published masks in every pixel when given the picture", () =>
  check.checkReferenceFit(golden));

Deno.test("perimeterFit() equals the published masks but for seedless rims when given regions", () =>
  check.checkRegionFit(golden));

Deno.test("combineCam() equals the published combined CAM to 1e-6", () =>
  check.checkCombine(golden));

Deno.test("inferDenseCrf() equals pydensecrf to 5e-5", () => check.checkCrf(golden));

Deno.test("randomWalk() equals 256 steps in double precision to 5e-6", () =>
  check.checkWalk(golden));

Deno.test("affinityLabels() equals the published labels", () => check.checkAffinityLabels(golden));

Deno.test("pseudoLabels() equals the published labels", () => check.checkPseudoLabels(golden));
