/** How CAM models are measured unless a caller asks for something else. */

import { areVocClasses, classNames, type DataClass } from "../data/class_list.ts";

/** The classes the data at hand has enough images of; see models/cam_efficientnet_lite0.md. */
export const MEASURED_CLASSES: readonly string[] = [
  "background",
  "cat",
  "cow",
  "dog",
  "horse",
  "person",
  "sheep",
];
/** Thresholds of a sweep, 0.02 to 0.5: close steps, because the embedded model's maps are cut low. */
export const SWEEP: readonly number[] = Array.from({ length: 25 }, (_, i) => (i + 1) / 50);

/** The classes of means of a data set: {@linkcode MEASURED_CLASSES} of VOC's, else all. */
export function measuredOf(classes: readonly DataClass[]): readonly string[] {
  return areVocClasses(classes) ? MEASURED_CLASSES : ["background", ...classNames(classes)];
}
