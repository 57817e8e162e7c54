/** What a stage answered, as the page shows it. */

/**
 * @param {Awaited<ReturnType<typeof import("./npz.js").readNpz>>} arrays
 * @param {{ classes: string[], colors: number[][] | null }} legend names of the classes 1, 2, …, and colours
 *   of the labels 0, 1, … where the model has its own
 */
export function describeResult(arrays, { classes: names, colors: colours }) {
  const { keys, scores, mask } = arrays;
  const counts = countLabels(mask);
  const indices = keys ? [...keys.data].map(Number).filter((index) => index > 0) : [];
  const classes = indices.map((index) => ({
    index,
    name: names[index - 1] ?? `class ${index}`,
    score: scores?.data[index - 1],
    share: mask && counts[index] / mask.data.length,
  }));
  return { classes, colours, layers: listLayers(arrays), lines: listLines(arrays), mask };
}

function listLayers({ mask, hr_cam, combined_hr_cam, labels, slic_labels, quickshift_labels }) {
  const heat = combined_hr_cam ? "First map" : "Class map";
  return [
    { name: "Mask", kind: "mask", array: mask },
    { name: "Refined map", kind: "heat", array: combined_hr_cam },
    { name: heat, kind: "heat", array: hr_cam },
    { name: "Regions", kind: "regions", array: labels },
    { name: "Regions, SLIC", kind: "regions", array: slic_labels },
    { name: "Regions, quickshift", kind: "regions", array: quickshift_labels },
  ].filter(({ array }) => array !== undefined);
}

function listLines({ perimeter, slic_perimeter, quickshift_perimeter }) {
  return [
    { array: perimeter, bit: 1 },
    { array: slic_perimeter, bit: 1 },
    { array: quickshift_perimeter, bit: 2 },
  ].filter(({ array }) => array !== undefined);
}

function countLabels(mask) {
  const counts = new Uint32Array(256);
  for (const label of mask?.data ?? []) counts[label]++;
  return counts;
}

/** One sentence for everybody, whether they see the picture or not. */
export function sayResult(stage, { classes, layers }, milliseconds) {
  const seconds = `${(milliseconds / 1000).toFixed(1)} s`;
  if (stage === "perimeter") {
    const regions = layers.map(({ name, array }) => {
      const method = name.split(", ")[1];
      return `${new Set(array.data).size} kinds of regions${method ? ` by ${method}` : ""}`;
    });
    return `Found ${regions.join(" and ")} in ${seconds}.`;
  }
  if (classes.length === 0) return `No known class was found in ${seconds}.`;
  const parts = classes.map(({ name, share }) =>
    share === undefined ? name : `${name} (${percent(share)} of the photo)`
  );
  return `Found ${parts.join(", ")} in ${seconds}.`;
}

/** A share as people write it. */
export function percent(share) {
  return `${share > 0 && share < 0.01 ? "<1" : Math.round(100 * share)} %`;
}
