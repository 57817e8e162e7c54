/** What can be chosen of perimeters, apart from the code that finds them. */

/** Where superpixels come from, and with them a segmentation. */
export const PERIMETER_METHODS = ["slic", "quickshift"] as const;
export type PerimeterMethod = typeof PERIMETER_METHODS[number];

/** What can be asked for: one of the methods, or each of them. */
export const METHOD_CHOICES = [...PERIMETER_METHODS, "both"] as const;
export type MethodChoice = typeof METHOD_CHOICES[number];

/**
 * How lines are found: `boundary`, the pixels on both sides of every border between labels;
 * `canny`, Canny's edges (thresholds 1 and 50) in the blurred picture of the labels, each label in its
 * colour of a fixed table; `canny-photo`, Canny's edges (100 and 200) in the blurred photo itself,
 * whatever the labels are.
 */
export const DETECTORS = ["boundary", "canny", "canny-photo"] as const;
export type Detector = typeof DETECTORS[number];
