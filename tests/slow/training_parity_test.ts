/** The three trainings against PyTorch: tests/fixtures/make_training.py. */

import assert from "node:assert/strict";
import * as ort from "onnxruntime-node";
import { affinityNet } from "../../core/nets/affinity_net.ts";
import { camClassifier } from "../../core/nets/cam_classifier.ts";
import { deepLabV3Plus, deepLabV3PlusLite } from "../../core/nets/deeplab.ts";
import { listTensors } from "../../core/nets/constant_layers.ts";
import type { Backbone } from "../../core/nets/backbones.ts";
import type { NetworkLayers } from "../../core/nets/network_layers.ts";
import { decodeNpz } from "../../core/npz.ts";
import { probeBlockSize } from "../../core/onnx/block_size.ts";
import type { Value } from "../../core/onnx/graph_builder.ts";
import { resizeByProducts } from "../../core/onnx/resize.ts";
import { affinityLoss } from "../../core/training/networks/affinity_loss.ts";
import { binaryCrossEntropy, segmentationCrossEntropy } from "../../core/onnx/losses.ts";
import {
  type BuildLosses,
  type Feeds,
  NetworkTrainer,
} from "../../core/training/networks/network_trainer.ts";
import { cutTiles, mergeTiles, reconstructionLoss } from "../../core/training/networks/puzzle.ts";
import { seededRamp, seededWeights } from "../core/nets/seeded_weights.ts";
import { TINY_BACKBONES, TINY_CLASSES } from "../core/nets/tiny_backbones.ts";

const EXPECTED = decodeNpz(
  Deno.readFileSync(new URL("../fixtures/training/tiny.npz", import.meta.url)),
);
const [IMAGES, HEIGHT, WIDTH] = [2, 96, 128] as const;
const ALPHA = 2.5;
const KEPT = 32;
/** One of the images made by formula. */
function imageNumber(number: number): ort.Tensor {
  const numbers = seededRamp(`image${number}`, IMAGES * 3 * HEIGHT * WIDTH, -1, 1);
  return new ort.Tensor("float32", numbers, [IMAGES, 3, HEIGHT, WIDTH]);
}

/** Blocks of labels, as in the fixture's script. */
function labelMap(height: number, width: number): ort.Tensor {
  const labels = new Uint8Array(IMAGES * height * width);
  for (let at = 0; at < labels.length; at++) {
    const x = at % width;
    const y = Math.floor(at / width) % height;
    const block = Math.floor(y * 5 / height) * 4 + Math.floor(x * 4 / width);
    const label = (block * 7 + Math.floor(at / (width * height)) * 3) % 5;
    labels[at] = label === 4 ? 255 : label % TINY_CLASSES;
  }
  return new ort.Tensor("uint8", labels, [IMAGES, height, width]);
}

interface Training {
  readonly rate: number;
  readonly network: (layers: NetworkLayers, image: Value, backbone: Backbone) => Value;
  readonly build: (network: (layers: NetworkLayers, image: Value) => Value) => BuildLosses<"loss">;
  /** What a step is fed beside the image. */
  readonly feeds: Feeds;
  /** Whether the backbone stays as it is. */
  readonly frozen?: boolean;
}

const meanOf = (maps: Value, g: Parameters<BuildLosses<"loss">>[0]) =>
  g.reduceMean(maps, [2, 3], { keep: false });

const TRAININGS: Readonly<Record<string, Training>> = {
  classifier: {
    rate: 2e-5,
    network: (layers, image, backbone) =>
      layers.leave(camClassifier(layers, image, backbone, TINY_CLASSES).map, TINY_CLASSES),
    build: (network) => (g, layers) => {
      const image = g.input("image", "float32", [IMAGES, 3, HEIGHT, WIDTH]);
      const tags = g.input("tags", "float32", [IMAGES, TINY_CLASSES]);
      const maps = network(layers, image);
      const merged = mergeTiles(g, network(layers, cutTiles(g, image)));
      const losses = [maps, merged].map((m) => binaryCrossEntropy(g, meanOf(m, g), tags));
      const apart = g.mul(reconstructionLoss(g, maps, merged, tags), ALPHA);
      return { loss: g.add(g.add(losses[0]!, losses[1]!), apart) };
    },
    feeds: {
      tags: new ort.Tensor("float32", Float32Array.of(1, 0, 1, 0, 1, 0), [IMAGES, TINY_CLASSES]),
    },
  },
  affinity: {
    rate: 2e-3,
    frozen: true,
    network: (layers, image, backbone) => layers.leave(affinityNet(layers, image, backbone).map, 1),
    build: (network) => (g, layers) => {
      const image = g.input("image", "float32", [IMAGES, 3, HEIGHT, WIDTH]);
      const labels = g.input("labels", "uint8", [IMAGES, HEIGHT / 4, WIDTH / 4]);
      return { loss: affinityLoss(g, network(layers, image), labels).loss };
    },
    feeds: { labels: labelMap(HEIGHT / 4, WIDTH / 4) },
  },
  deeplabv3plus: {
    rate: 3e-4,
    network: (layers, image, backbone) => {
      const build = backbone.family === "efficientnet-lite" ? deepLabV3PlusLite : deepLabV3Plus;
      return layers.leave(build(layers, image, backbone, TINY_CLASSES).map, TINY_CLASSES);
    },
    build: (network) => (g, layers) => {
      const image = g.input("image", "float32", [IMAGES, 3, HEIGHT, WIDTH]);
      const labels = g.input("labels", "uint8", [IMAGES, HEIGHT, WIDTH]);
      const logits = network(layers, image);
      const lite = layers.learnt.has("aspp.0.0.weight");
      const coordinates = lite ? "half_pixel" : "align_corners";
      const large = resizeByProducts(g, logits, HEIGHT, WIDTH, { coordinates });
      return { loss: segmentationCrossEntropy(g, large, labels) };
    },
    feeds: { labels: labelMap(HEIGHT, WIDTH) },
  },
};

/** Sizes of tensors decide their rate and decay, as in the fixture's script. */
function groupsOf(
  weights: ReadonlyMap<string, { readonly shape: readonly number[] }>,
  frozen: boolean,
) {
  const is = (own: boolean, large: boolean) => (name: string) =>
    name.startsWith("model.") === own && (weights.get(name)!.shape.length > 1) === large;
  const heads = [
    { match: is(false, true), rate: 10, weightDecay: 1e-4 },
    { match: is(false, false), rate: 20 },
  ];
  const backbone = [
    { match: is(true, true), weightDecay: 1e-4 },
    { match: is(true, false), rate: 2 },
  ];
  return frozen ? heads : [...heads, ...backbone];
}

const block = await probeBlockSize();

for (const family of ["resnet", "resnest", "efficientnet-lite"] as const) {
  for (const [kind, training] of Object.entries(TRAININGS)) {
    for (const blockSize of block === null ? [null] : [null, block]) {
      const layout = blockSize === null ? "portable" : "blocked";
      Deno.test(`NetworkTrainer steps as PyTorch: ${kind} on ${family}, ${layout}`, async () => {
        const network = (layers: NetworkLayers, image: Value) =>
          training.network(layers, image, TINY_BACKBONES[family]);
        const weights = seededWeights(listTensors(network));
        await using trainer = await NetworkTrainer.create({
          build: training.build(network),
          parameters: weights,
          groups: groupsOf(weights, training.frozen ?? false),
          optimizer: { type: "sgd", momentum: 0.9, nesterov: true },
          dropout: false,
          blockSize,
          session: { threads: 1 },
        });
        const [number] = EXPECTED[`${family}/${kind}/image`]!.data as Float32Array;
        const feeds = { ...training.feeds, image: imageNumber(number!) };
        const start = trainer.state();
        const losses = EXPECTED[`${family}/${kind}/losses`]!.data as Float32Array;

        await trainer.step(feeds, 1);
        const after = trainer.parameters();
        const updates = EXPECTED[`${family}/${kind}/updates`]!.data as Float32Array;
        let place = 0;
        let worst = { error: 0, name: "" };
        for (const name of [...trainer.learnt].sort()) {
          const [was, is] = [weights, after].map((w) => w.get(name)!.data as Float32Array);
          const step = Math.ceil(was!.length / KEPT);
          let [apart, size] = [0, 0];
          for (let i = 0; i < was!.length; i += step) {
            const expected = updates[place++]!;
            apart += (is![i]! - was![i]! - expected) ** 2;
            size += expected ** 2;
          }
          const error = Math.sqrt(apart / size);
          if (error > worst.error) worst = { error, name };
        }
        assert.equal(place, updates.length);
        if (Deno.env.has("SHOW")) console.log(family, kind, layout, worst);
        assert.ok(worst.error <= 1e-3, `${worst.name} steps ${worst.error} off`);

        trainer.restore(start);
        let off = 0;
        for (const expected of losses) {
          const { loss } = await trainer.step(feeds, training.rate);
          off = Math.max(off, Math.abs(loss / expected - 1));
        }
        if (Deno.env.has("SHOW")) console.log("  losses off by", off);
        assert.ok(off < 0.01, `losses are ${off} off`);
      });
    }
  }
}
