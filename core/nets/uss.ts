/**
 * The network SILOP trains on each single image to segment it without any labels (USS; after
 * A. Kanezaki, "Unsupervised Image Segmentation by Backpropagation", ICASSP 2018): its training as
 * one ONNX graph.
 *
 * conv3×3 3→64, conv1×1 64→32, conv3×3 32→64, conv1×1 64→32, each followed by batch normalisation
 * with the image's own statistics, the first three by ReLU too. The convolutions' biases are left
 * out: normalisation takes them away again, and their gradients are zero.
 *
 * One iteration: each pixel's label is its highest output; in every superpixel all pixels take the
 * label most of them have (of equals the smallest); the outputs are pulled towards these labels by
 * cross-entropy and a step of SGD with momentum.
 */

import { withGradient } from "../onnx/gradients/custom.ts";
import { above } from "../onnx/gradients/rule.ts";
import { gradients } from "../onnx/gradients.ts";
import { GraphBuilder, type Value } from "../onnx/graph_builder.ts";
import { createLayers, type Layers } from "../onnx/layouts.ts";
import { pixelCrossEntropy } from "../onnx/losses.ts";
import { sgdUpdate } from "../onnx/optimizers.ts";
import { batchNorm, normalisation } from "./batch_norm.ts";
import { USS_LABELS } from "./uss_labels.ts";
import { sequentialParameters } from "../../kernels/pytorch_init.ts";

/** Values a pixel's 3×3 patch holds. */
export const PATCH_SIZE = 27;

/** The convolutions: input and output channels, size of the kernel. */
const CONVOLUTIONS = [
  { inChannels: 3, outChannels: 64, kernelSize: 3 },
  { inChannels: 64, outChannels: 32, kernelSize: 1 },
  { inChannels: 32, outChannels: 64, kernelSize: 3 },
  { inChannels: 64, outChannels: USS_LABELS, kernelSize: 1 },
] as const;

/** What is learnt of one convolution and the normalisation behind it. */
interface LayerParameters {
  readonly weight: Value;
  readonly scale: Value;
  readonly shift: Value;
}

const SHAPES = CONVOLUTIONS.flatMap(({ inChannels, outChannels, kernelSize }) => [
  { part: "weight", shape: [outChannels, inChannels, kernelSize, kernelSize] },
  { part: "scale", shape: [outChannels] },
  { part: "shift", shape: [outChannels] },
]);
const SIZES = SHAPES.map(({ shape }) => shape.reduce<number>((n, size) => n * size, 1));

/** Length of the list that holds all parameters: for each layer weight, scale, shift. */
export const USS_PARAMETERS: number = SIZES.reduce((sum, size) => sum + size, 0);

/**
 * The parameters PyTorch gives the network right after `torch.manual_seed(seed)`.
 *
 * @returns a list of {@linkcode USS_PARAMETERS} numbers.
 */
export function initialUssParameters(seed = 43): Float32Array {
  const layers = CONVOLUTIONS.flatMap((convolution, at) => [
    { type: "conv2d" as const, ...convolution },
    { type: "batch_norm" as const, channels: convolution.outChannels },
    ...(at < CONVOLUTIONS.length - 1 ? [{ type: "relu" as const }] : []),
  ]);
  const named = sequentialParameters(layers, seed);
  const parts = layers.flatMap(({ type }, place) => {
    const part = (name: string) => named.get(`${place}.${name}`)!.data;
    if (type === "conv2d") return [part("weight")];
    return type === "batch_norm" ? [part("weight"), part("bias")] : [];
  });
  const all = new Float32Array(USS_PARAMETERS);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Names of the model's inputs and outputs. */
export const USS_TENSORS = {
  inputs: {
    /** float32 `1×3×H×W`. */
    image: "image",
    /** float32 `28×N`: every pixel's 3×3 patch (channel, row, column; zeros outside), and a row of ones. */
    patches: "patches",
    /** float32 `27`: the patches' mean. */
    patchMean: "patch_mean",
    /** float32 `27×27`: the patches' covariance. */
    patchCovariance: "patch_covariance",
    /** int32 `N`: superpixel of each pixel, from 0 up without gaps. */
    superpixels: "superpixels",
    /** int64 `S`: a label for each superpixel; only their number counts. */
    labels: "labels",
    /** float32 {@linkcode USS_PARAMETERS}. */
    parameters: "parameters",
    /** float32 {@linkcode USS_PARAMETERS}: the optimiser's running direction. */
    velocity: "velocity",
    /** float32 scalars. */
    rate: "rate",
    momentum: "momentum",
    /** float32 scalar: training ends with the iteration that leaves fewer labels than this. */
    minLabels: "min_labels",
    /** int64 scalar: the most iterations of one run. */
    count: "count",
  },
  outputs: {
    /** int64 `S`: label of each superpixel in the last iteration, before its step. */
    labels: "labels_after",
    parameters: "parameters_after",
    velocity: "velocity_after",
    /** float32 list, one number for each iteration: distinct labels. */
    distinct: "distinct",
    /** float32 list, one number for each iteration: the loss. */
    losses: "losses",
  },
} as const;

/** What the graph is built for. */
export interface UssGraphOptions {
  /** H, in pixels. */
  height: number;
  /** W, in pixels. */
  width: number;
  /** From `probeBlockSize()` for the CPU; `null` for standard operators only. */
  blockSize: number | null;
}

/**
 * The training of images of one size as an ONNX model with {@linkcode USS_TENSORS}: a Loop over
 * iterations, with the stop rule inside. Parameters and velocity come in and go out, so that
 * training can be split over several runs.
 */
export function buildUss({ height, width, blockSize }: UssGraphOptions): Uint8Array<ArrayBuffer> {
  const g = new GraphBuilder();
  const { inputs, outputs } = USS_TENSORS;
  const pixels = height * width;
  const image = g.input(inputs.image, "float32", [1, 3, height, width]);
  const first: PatchStatistics = {
    patches: g.input(inputs.patches, "float32", [PATCH_SIZE + 1, pixels]),
    mean: g.input(inputs.patchMean, "float32", [PATCH_SIZE]),
    covariance: g.input(inputs.patchCovariance, "float32", [PATCH_SIZE, PATCH_SIZE]),
  };
  const superpixels = g.input(inputs.superpixels, "int32", [pixels]);
  const labels = g.input(inputs.labels, "int64", ["S"]);
  const parameters = g.input(inputs.parameters, "float32", [USS_PARAMETERS]);
  const velocity = g.input(inputs.velocity, "float32", [USS_PARAMETERS]);
  const [rate, momentum, minLabels] = [inputs.rate, inputs.momentum, inputs.minLabels].map((name) =>
    g.input(name, "float32", [])
  );
  const count = g.input(inputs.count, "int64", []);

  const { state, scans } = g.loop([parameters, velocity, labels], (body, { state: before }) => {
    const scores = network(body, createLayers(body, blockSize), image, first, before[0]!);
    const best = body.argMax(scores, 0, { keep: false });
    const vote = majorityVote(body, best, superpixels, before[2]!);
    const targets = body.gather(vote.labels, superpixels);
    const loss = pixelCrossEntropy(body, scores, targets, best);
    const [gradient] = gradients(body, loss, [before[0]!]);
    const step = sgdUpdate(body, {
      parameter: before[0]!,
      velocity: before[1]!,
      gradient: gradient!,
      rate: rate!,
    }, { momentum: momentum! });
    return {
      state: [step.parameter, step.velocity!, vote.labels],
      scans: [vote.distinct, loss],
      again: body.greaterOrEqual(vote.distinct, minLabels!),
    };
  }, { count });
  g.output(outputs.parameters, state[0]!);
  g.output(outputs.velocity, state[1]!);
  g.output(outputs.labels, state[2]!);
  g.output(outputs.distinct, scans[0]!);
  g.output(outputs.losses, scans[1]!);
  return g.build();
}

/** All 3×3 patches of the image and what normalisation needs to know of them. */
interface PatchStatistics {
  readonly patches: Value;
  readonly mean: Value;
  readonly covariance: Value;
}

/** The outputs of the network: `32×N`. */
function network(
  g: GraphBuilder,
  layers: Layers,
  image: Value,
  patches: PatchStatistics,
  parameters: Value,
): Value {
  const [first, second, third, fourth] = unpack(g, parameters);
  const a1 = firstLayer(g, layers, image, patches, first!);
  const z2 = layers.conv(a1, second!.weight, { name: "conv2" });
  const a2 = batchNorm(g, layers, z2, second!, { activation: "relu", name: "norm2" });
  const z3 = layers.conv(a2, third!.weight, { name: "conv3" });
  const a3 = batchNorm(g, layers, z3, third!, { activation: "relu", name: "norm3" });
  const z4 = layers.conv(a3, fourth!.weight, { name: "conv4" });
  const y = batchNorm(g, layers, z4, fourth!, { name: "norm4" });
  return g.reshape(layers.leave(y, USS_LABELS), [USS_LABELS, image.size(2) * image.size(3)]);
}

function unpack(g: GraphBuilder, parameters: Value): LayerParameters[] {
  const parts = g.split(parameters, SIZES, 0).map((part, at) => g.reshape(part, SHAPES[at]!.shape));
  return CONVOLUTIONS.map((_, layer) => ({
    weight: parts[3 * layer]!,
    scale: parts[3 * layer + 1]!,
    shift: parts[3 * layer + 2]!,
  }));
}

/**
 * Convolution, normalisation and ReLU of the first layer in one pass. The image never changes, so
 * the convolution's mean and variance follow from the mean and covariance of its patches.
 */
function firstLayer(
  g: GraphBuilder,
  layers: Layers,
  image: Value,
  { patches, mean, covariance }: PatchStatistics,
  parameters: LayerParameters,
): Value {
  const channels = parameters.scale.size(0);
  const weight = g.reshape(parameters.weight, [channels, PATCH_SIZE]);
  const mu = g.matMul(weight, mean);
  const variance = g.reduceSum(g.mul(g.matMul(weight, covariance), weight), [1], { keep: false });
  const { factor, offset } = normalisation(g, parameters, mu, variance);
  const scaled = g.mul(weight, g.unsqueeze(factor, [1]));
  const y = layers.conv(image, g.reshape(scaled, [channels, 3, 3, 3]), {
    bias: offset,
    activation: "relu",
    name: "conv1",
  });
  return withGradient(y, [scaled, offset], ({ dy }) => {
    const d = layers.leave(g.mul(dy, above(g, y, 0)), channels);
    const flat = g.reshape(d, [channels, patches.size(1)]);
    const [byWeight, byOffset] = g.split(
      g.gemm(flat, patches, { transB: true }),
      [PATCH_SIZE, 1],
      1,
    );
    return [() => byWeight!, () => g.reshape(byOffset!, [channels])];
  });
}

/** Each superpixel's most frequent label among its pixels' `own`, and how many different ones there are. */
function majorityVote(
  g: GraphBuilder,
  own: Value,
  superpixels: Value,
  before: Value,
): { labels: Value; distinct: Value } {
  const pixels = own.size(0);
  const places = g.add(g.mul(g.cast(superpixels, "int64"), USS_LABELS), own);
  const slots = g.mul(g.shapeOf(before), USS_LABELS);
  const zeros = g.expand(g.constant(0), slots, { shape: ["32*S"] });
  const ones = g.expand(g.constant(1), [pixels]);
  const votes = g.scatterElements(zeros, places, ones, { reduction: "add" });
  const table = g.reshape(votes, [-1, USS_LABELS], { shape: before.shape.concat(USS_LABELS) });
  const labels = g.argMax(table, 1, { keep: false });
  const present = g.reduceMax(g.oneHot(labels, USS_LABELS), [0], { keep: false });
  return { labels, distinct: g.reduceSum(present, [], { keep: false }) };
}
