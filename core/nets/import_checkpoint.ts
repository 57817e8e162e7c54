/** From somebody's checkpoint to a model of this project: recognised, built, described. */

import { createHash } from "node:crypto";
import { classNames, type DataClass, modelColors } from "../data/class_list.ts";
import { OptionError } from "../errors.ts";
import type { ModelInfo, Rgb } from "../runtime/models.ts";
import { VOC_CLASSES } from "../voc/classes.ts";
import { readWeights } from "../weights/read_weights.ts";
import { recognizeNetwork, type RecognizeOptions } from "../weights/recognize.ts";
import { unwrapCheckpoint } from "../weights/wheel.ts";
import type { BackboneName } from "./backbones.ts";
import { buildNetwork, type BuiltNetwork, type NetworkKind } from "./build_network.ts";

/** Options of {@linkcode importCheckpoint}. */
export interface ImportCheckpointOptions extends RecognizeOptions {
  /** How weights are stored; computation is float32 always. Default: `"fp32"`. */
  readonly precision?: "fp32" | "fp16";
  /**
   * The classes in the order of the network's channels, without background, with their colours. Default:
   * VOC's, where their number fits.
   */
  readonly classes?: readonly DataClass[];
  /** Name of the file, for what is told of the model. */
  readonly source: string;
  /** The command, likewise. */
  readonly madeBy: string;
  /** Terms of the weights. Default: that nothing is known of them. */
  readonly licence?: string;
}

/** Numbers that the checkpoint does not tell: those of the published code. */
const CAM_SCALES = [0.5, 1, 1.5, 2];
const CAM_THRESHOLD = 0.15;
const SCORE_THRESHOLD = 0.5;
const WALK = { radius: 5, beta: 10, padding: { least: 512, multiple: 16 } } as const;

/** Leaves out of every model what follows from its bytes. */
type Facts<Info> = Info extends ModelInfo ? Omit<Info, "file" | "bytes" | "sha256" | "card">
  : never;

/** A checkpoint as a model. */
export interface ImportedCheckpoint {
  readonly kind: NetworkKind;
  readonly backbone: BackboneName;
  /** Number of classes, background among them where the network has it; 0 of networks without. */
  readonly classes: number;
  /** Tensors that went into the network. */
  readonly tensors: number;
  /** Names in the file that mean nothing here. */
  readonly ignored: readonly string[];
  /** The ONNX file. */
  readonly model: Uint8Array<ArrayBuffer>;
  /** What a manifest says of it, apart from what follows from its bytes. */
  readonly facts: Facts<ModelInfo>;
}

/**
 * Recognises the network of a checkpoint and builds it. No code in the file is run; whatever it claims is
 * checked before memory is taken for it.
 *
 * @param bytes A file of PyTorch, of safetensors, or a wheel around one of PyTorch.
 * @throws {ModelError} The tensors are those of no network here, or not of the one named.
 * @throws {UnsupportedFormatError | DecodeError | LimitError} The file cannot be read.
 * @throws {OptionError} The names of classes are not as many as the network has.
 */
export function importCheckpoint(
  bytes: Uint8Array,
  options: ImportCheckpointOptions,
): ImportedCheckpoint {
  const { precision = "fp32", source, madeBy, licence = "unknown: as told by the file's authors" } =
    options;
  const { kind, backbone, weights, classes, ignored } = recognizeNetwork(
    readWeights(unwrapCheckpoint(bytes)),
    { kind: options.kind, backbone: options.backbone },
  );
  const names = namesOf(kind, classes, options.classes && classNames(options.classes));
  const colors = modelColors(options.classes ?? [], { background: kind === "deeplabv3plus" });
  const network = buildNetwork(kind, backbone, weights, {
    storage: precision === "fp16" ? "fp16" : undefined,
    metadata: { kind, backbone, precision, ...(names && { classes: names.join(",") }) },
  });
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const common = {
    mean: [...network.mean] as [number, number, number],
    std: [...network.std] as [number, number, number],
    backbone,
    precision,
    licence,
    origin: `${source}, sha256 ${sha256}`,
    madeBy,
  };
  return {
    kind,
    backbone,
    classes,
    tensors: weights.size,
    ignored,
    model: network.bytes,
    facts: factsOf(network, { names, colors }, common),
  };
}

/** Names of all channels; `null` of networks without classes. */
function namesOf(
  kind: NetworkKind,
  classes: number,
  given: readonly string[] | undefined,
): string[] | null {
  if (classes === 0) return null;
  const background = kind === "deeplabv3plus" ? ["background"] : [];
  const count = classes - background.length;
  const names = given ?? (count === VOC_CLASSES.length ? VOC_CLASSES : null);
  if (names === null) {
    throw new OptionError(`The network has ${count} classes, which are not VOC's; name them`);
  }
  if (names.length !== count) {
    throw new OptionError(`The network has ${count} classes, not ${names.length}`);
  }
  if (new Set([...background, ...names]).size !== classes) {
    throw new OptionError("The names of the classes are not all different");
  }
  return [...background, ...names];
}

function factsOf(
  { kind, outputStride }: BuiltNetwork,
  { names, colors }: { names: string[] | null; colors?: Rgb[] },
  common: Omit<Facts<ModelInfo & { task: "backbone" }>, "task" | "outputStride">,
): Facts<ModelInfo> {
  switch (kind) {
    case "classifier":
      return {
        task: "cam",
        ...common,
        classes: names!,
        ...(colors && { colors }),
        outputStride,
        scales: CAM_SCALES,
        threshold: CAM_THRESHOLD,
        scoreThresholds: names!.map(() => SCORE_THRESHOLD),
      };
    case "affinity":
      return { task: "affinity", ...common, outputStride: 4, ...WALK };
    case "deeplabv3plus":
      return {
        task: "segmentation",
        ...common,
        classes: names!,
        ...(colors && { colors }),
        outputStride,
        // A service should answer soon; the published numbers are to be asked for.
        scales: [1],
        mirror: false,
        crf: false,
      };
    case "backbone":
      return { task: "backbone", ...common, outputStride };
  }
}
