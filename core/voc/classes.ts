/** The classes of PASCAL VOC 2012. */

/** The twenty foreground classes; class `i + 1` of a mask is `VOC_CLASSES[i]`, 0 is background. */
export const VOC_CLASSES: readonly string[] = [
  "aeroplane",
  "bicycle",
  "bird",
  "boat",
  "bottle",
  "bus",
  "car",
  "cat",
  "chair",
  "cow",
  "diningtable",
  "dog",
  "horse",
  "motorbike",
  "person",
  "pottedplant",
  "sheep",
  "sofa",
  "train",
  "tvmonitor",
];

/** Label of pixels that count neither as right nor as wrong. */
export const IGNORE_LABEL = 255;
