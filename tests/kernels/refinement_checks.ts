/** Compares the refinement kernels with the published code's results on one image. */

import assert from "node:assert/strict";
import { affinityLabels } from "../../kernels/affinity_labels.ts";
import { combineCam } from "../../kernels/combine_cam.ts";
import { connectedRegions } from "../../kernels/connected_regions.ts";
import { crfKernels, inferDenseCrf } from "../../kernels/dense_crf.ts";
import { perimeterFit } from "../../kernels/perimeter_fit.ts";
import { pseudoLabels } from "../../kernels/pseudo_labels.ts";
import { enlargeWalk, randomWalk } from "../../kernels/random_walk.ts";
import {
  type CrfCase,
  type CrfGolden,
  paintRegions,
  type RefinementGolden,
} from "./refinement_golden.ts";

/** The branches' names in the files and in the code. */
const BRANCHES = [["slic", "slic"], ["quick", "quickshift"]] as const;

/** Share of pixels that are equal. */
export function agreement(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  assert.equal(found.length, wanted.length);
  let equal = 0;
  for (let i = 0; i < found.length; i++) if (found[i] === wanted[i]) equal++;
  return equal / found.length;
}

/** Largest absolute difference. */
export function largestDifference(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  assert.equal(found.length, wanted.length);
  let largest = 0;
  for (let i = 0; i < found.length; i++) {
    const difference = Math.abs(found[i]! - wanted[i]!);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

/** The CAM with the published plane of zeros in front. */
function withBackground({ hrCam, width, height }: RefinementGolden): Float32Array {
  const padded = new Float32Array(hrCam.length + width * height);
  padded.set(hrCam, width * height);
  return padded;
}

/** PerimeterFit of one branch on the lossless picture, the background's plane in front. */
function fitPicture(golden: RefinementGolden, [name, branch]: typeof BRANCHES[number]) {
  const { arrays, classes, width, height } = golden;
  const picture = paintRegions(arrays[`uss_${name}_im_target`]!.data as Uint8Array);
  const edge = arrays[`edge_${name}_png_canny`]!.data as Uint8Array;
  const cam = withBackground(golden);
  return perimeterFit(cam, classes + 1, { picture }, edge, width, height, branch);
}

/** `perimeterFit()` on pictures: equal in every pixel, on the JPEG where it is given. */
export function checkReferenceFit(golden: RefinementGolden): void {
  const { arrays, classes, width, height } = golden;
  for (const names of BRANCHES) {
    const [name, branch] = names;
    const wanted = arrays[`pf_${name}_png`]!.data;
    assert.equal(agreement(fitPicture(golden, names), wanted as Uint8Array), 1, `${name} png`);
    const bgr = arrays[`uss_${name}_colored_jpg_bgr`];
    if (bgr === undefined) continue;
    const picture = bgr.data as Uint8Array;
    const edge = arrays[`edge_${name}_jpg_canny_jpg_decoded`]!.data as Uint8Array;
    const cam = withBackground(golden);
    const found = perimeterFit(cam, classes + 1, { picture }, edge, width, height, branch);
    assert.equal(agreement(found, arrays[`pf_${name}_jpg`]!.data as Uint8Array), 1, `${name} jpg`);
  }
}

/**
 * `perimeterFit()` on regions: the published masks but for what only its flood fill does, which
 * starts nowhere in the last row and column.
 */
export function checkRegionFit(golden: RefinementGolden): void {
  const { arrays, classes, hrCam, width, height } = golden;
  for (const [name, branch] of BRANCHES) {
    const regions = connectedRegions(
      arrays[`uss_${name}_im_target`]!.data as Uint8Array,
      width,
      height,
    );
    const edge = arrays[`edge_${name}_png_canny`]!.data as Uint8Array;
    const found = perimeterFit(hrCam, classes, { regions }, edge, width, height, branch);
    const wanted = (arrays[`pf_${name}_png`]!.data as Uint8Array).subarray(width * height);
    for (let i = 0; i < found.length; i++) {
      if (found[i] === wanted[i]) continue;
      const [x, y] = [i % width, Math.floor(i / width) % height];
      assert.ok(x === width - 1 || y === height - 1, `${name}: differs at ${x}, ${y}`);
      assert.equal(found[i], 0);
    }
  }
}

/** `combineCam()`: within 1e-6. */
export function checkCombine(golden: RefinementGolden): void {
  const { arrays, cam, camWidth, camHeight, classes, hrCam, width, height } = golden;
  const size = { maskWidth: width, maskHeight: height };
  const planes = (key: string) => (arrays[key]!.data as Uint8Array).subarray(width * height);
  for (
    const [kind, key] of [["png", "combined_cam_pngvariant"], ["jpg", "combined_cam"]] as const
  ) {
    if (arrays[key] === undefined) continue;
    const [slic, quick] = [planes(`pf_slic_${kind}`), planes(`pf_quick_${kind}`)];
    const found = combineCam(cam, classes, camWidth, camHeight, slic, quick, size);
    assert.ok(largestDifference(found, arrays[key].data as Float32Array) <= 1e-6, key);
    if (kind === "png") continue;
    const large = combineCam(hrCam, classes, width, height, slic, quick);
    const wanted = arrays.combined_hr_cam!.data as Float32Array;
    assert.ok(largestDifference(large, wanted) <= 1e-6, "combined_hr_cam");
  }
}

/** Runs one CRF case. */
export function runCrf({ image, width, height, labels, unary }: CrfGolden, crf: CrfCase) {
  const { sxy = 50, srgb = 5 } = crf.bilateral ?? {};
  const both = crfKernels(image, width, height, { bilateralSxy: sxy, bilateralSrgb: srgb });
  const kernels = both.filter((_, k) => k === 0 ? crf.gaussian : crf.bilateral !== null);
  return inferDenseCrf(unary, labels, kernels, { steps: crf.steps });
}

/** `inferDenseCrf()`: far better than 1e-3. */
export function checkCrf(golden: RefinementGolden): void {
  for (const crf of golden.crf) {
    assert.ok(crf.cases.length > 0);
    for (const one of crf.cases) {
      const difference = largestDifference(runCrf(crf, one), one.wanted);
      assert.ok(difference <= 5e-5, `${one.name}: ${difference}`);
    }
  }
}

/** `randomWalk()`: far better than 5e-5; with the same walk, `enlargeWalk()`. */
export function checkWalk(golden: RefinementGolden): void {
  const { arrays, cam, camWidth, camHeight, classes, width, height } = golden;
  const edge = arrays.rw_edge!.data as Float32Array;
  const found = randomWalk(cam, classes, edge, camWidth, camHeight);
  const difference = largestDifference(found, arrays.rw_float64!.data as Float32Array);
  assert.ok(difference <= 5e-6, `${difference}`);
  if (arrays.rw_up === undefined) return;
  const large = enlargeWalk(found, classes, camWidth, camHeight, width, height);
  const enlarged = largestDifference(large, arrays.rw_up.data as Float32Array);
  assert.ok(enlarged <= 2e-5, `enlarged: ${enlarged}`);
}

/** `affinityLabels()`: argmaxes equal, maps after the CRF at least 99.9 % of pixels. */
export function checkAffinityLabels(golden: RefinementGolden): void {
  const { arrays, classes, hrCam, image, keys, width, height } = golden;
  const kernels = crfKernels(image, width, height);
  for (const variant of ["_pngvariant", ""]) {
    if (arrays[`fg_argmax${variant}`] === undefined) continue;
    const data = (key: string) => arrays[key]!.data as Uint8Array;
    const fitted = (name: "slic" | "quick") =>
      data(`pf_${name}_${variant === "" ? "jpg" : "png"}`).subarray(width * height);
    const cam = combineCam(hrCam, classes, width, height, fitted("slic"), fitted("quick"));
    const found = affinityLabels(cam, keys, width, height, kernels);
    assert.equal(agreement(found.foreground.argmax, data(`fg_argmax${variant}`)), 1);
    assert.equal(agreement(found.background.argmax, data(`bg_argmax${variant}`)), 1);
    assert.ok(agreement(found.foreground.revised, data(`fg_crf${variant}`)) >= 0.999);
    assert.ok(agreement(found.background.revised, data(`bg_crf${variant}`)) >= 0.999);
    assert.ok(agreement(found.labels, data(`aff_label${variant}`)) >= 0.999);
  }
  if (arrays.aff_label_uncombined === undefined) return;
  const { labels } = affinityLabels(hrCam, keys, width, height, kernels);
  assert.ok(agreement(labels, arrays.aff_label_uncombined.data as Uint8Array) >= 0.999);
}

/** `pseudoLabels()` after our own walk: argmax equal, map after the CRF at least 99.9 % of pixels. */
export function checkPseudoLabels(golden: RefinementGolden): void {
  const { arrays, cam, camWidth, camHeight, classes, image, keys, width, height } = golden;
  const edge = arrays.rw_edge!.data as Float32Array;
  const walked = randomWalk(cam, classes, edge, camWidth, camHeight);
  const large = enlargeWalk(walked, classes, camWidth, camHeight, width, height);
  const { labels, argmax } = pseudoLabels(
    large,
    keys,
    width,
    height,
    crfKernels(image, width, height),
  );
  assert.equal(agreement(argmax, arrays.pseudo_argmax_before_crf!.data as Uint8Array), 1);
  assert.ok(agreement(labels, arrays.pseudo_label!.data as Uint8Array) >= 0.999);
}
