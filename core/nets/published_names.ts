/**
 * All names under which the published PyTorch classes keep their tensors, so that they load with strict
 * names: each network there keeps parts of itself a second time, in sequences.
 */

import type { StateDict } from "../weights/state_dict.ts";
import type { WeightTensor } from "../weights/tensor.ts";
import type { NetworkKind } from "./build_network.ts";
import { BACKBONE_PREFIX } from "./cam_classifier.ts";

/** The tensors under `aliases` as well, in front of the network's own parts or behind them. */
interface Alias {
  /** From a name that the network has to another one for it; `undefined` where there is none. */
  readonly rename: (name: string) => string | undefined;
  readonly before: "head" | "end";
}

/** `model.conv1.0.weight` → `0.0.0.weight`, `model.layer2.3.bn1.bias` → `2.0.3.bn1.bias`. */
function stagePlace(name: string): { stage: number; rest: string } | undefined {
  if (!name.startsWith(BACKBONE_PREFIX)) return undefined;
  const inner = name.slice(BACKBONE_PREFIX.length);
  const stem = /^(conv1|bn1)\.(.*)$/.exec(inner);
  if (stem) return { stage: 0, rest: `${stem[1] === "conv1" ? 0 : 1}.${stem[2]}` };
  const layer = /^layer([1-4])\.(.*)$/.exec(inner);
  return layer ? { stage: Number(layer[1]), rest: `0.${layer[2]}` } : undefined;
}

const STAGES: Alias = {
  before: "head",
  rename(name) {
    const place = stagePlace(name);
    return place && `stage${place.stage + 1}.${place.rest}`;
  },
};

const BACKBONE: Alias = {
  before: "end",
  rename(name) {
    const place = stagePlace(name);
    return place && `backbone.${place.stage}.${place.rest}`;
  },
};

const EDGES: Alias = {
  before: "end",
  rename(name) {
    const branch = /^fc_edge([1-6])\.(.*)$/.exec(name);
    return branch ? `edge_layers.${Number(branch[1]) - 1}.${branch[2]}` : undefined;
  },
};

const ALIASES: Readonly<Record<NetworkKind, readonly Alias[]>> = {
  classifier: [STAGES],
  affinity: [STAGES, BACKBONE, EDGES],
  deeplabv3plus: [STAGES],
  backbone: [],
};

/**
 * A network's tensors with all names of the published class, in its order, the counters
 * `num_batches_tracked` of its normalisations (0) among them. On backbones without a published class
 * the network's own names and the counters.
 *
 * @param weights By the network's own names; see `networkTensors`.
 */
export function publishedTensors(kind: NetworkKind, weights: StateDict): Map<string, WeightTensor> {
  const counted = new Map<string, WeightTensor>();
  for (const [name, tensor] of weights) {
    counted.set(name, tensor);
    if (!name.endsWith(".running_var")) continue;
    const counter = name.replace(/running_var$/, "num_batches_tracked");
    counted.set(counter, { shape: [], dtype: "int64", data: new BigInt64Array(1) });
  }
  const isBackbone = (name: string) => kind === "backbone" || name.startsWith(BACKBONE_PREFIX);
  const own = [...counted];
  const all = new Map(own.filter(([name]) => isBackbone(name)));
  const addAliases = (before: Alias["before"]) => {
    for (const alias of ALIASES[kind].filter((alias) => alias.before === before)) {
      for (const [name, tensor] of own) {
        const other = alias.rename(name);
        if (other !== undefined) all.set(other, tensor);
      }
    }
  };
  addAliases("head");
  for (const [name, tensor] of own) all.set(name, tensor);
  addAliases("end");
  return all;
}
