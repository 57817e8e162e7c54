import type { LayerSpec } from "../../kernels/pytorch_init.ts";

const conv = (inChannels: number, outChannels: number, kernelSize: number): LayerSpec => ({
  type: "conv2d",
  inChannels,
  outChannels,
  kernelSize,
});
const norm = (channels: number): LayerSpec => ({ type: "batch_norm", channels });
const relu: LayerSpec = { type: "relu" };

/** The layers of the unsupervised segmentation's network. */
export const ussLayers: readonly LayerSpec[] = [
  conv(3, 64, 3),
  norm(64),
  relu,
  conv(64, 32, 1),
  norm(32),
  relu,
  conv(32, 64, 3),
  norm(64),
  relu,
  conv(64, 32, 1),
  norm(32),
];
