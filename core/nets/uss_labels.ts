/** Outputs of the network of `uss.ts`, and so the most labels a segmentation can have. */
export const USS_LABELS = 32;
