/**
 * Which network a file of weights is for, told from the names and shapes of its tensors.
 */

import { ModelError, OptionError } from "../errors.ts";
import { type Backbone, BACKBONE_NAMES, type BackboneName, BACKBONES } from "../nets/backbones.ts";
import { countClasses, type NetworkKind, networkTensors } from "../nets/build_network.ts";
import { BACKBONE_PREFIX } from "../nets/cam_classifier.ts";
import { differencesText, type StateDict, tensorDifferences } from "./state_dict.ts";
import type { WeightTensor } from "./tensor.ts";

/** A network recognised, with its weights as `buildNetwork` wants them. */
export interface RecognizedNetwork {
  readonly kind: NetworkKind;
  readonly backbone: BackboneName;
  /** See `countClasses`. */
  readonly classes: number;
  /** The network's tensors by its own names, in its order; nothing else. */
  readonly weights: StateDict;
  /**
   * Names in the file that mean nothing here. Counters, the classifier of ImageNet and what the published
   * classes keep twice are not listed.
   */
  readonly ignored: readonly string[];
}

/** What is known beforehand. */
export interface RecognizeOptions {
  /** Default: told from the names. A backbone can be taken out of any network. */
  readonly kind?: NetworkKind;
  /** Default: the one that fits. */
  readonly backbone?: BackboneName;
}

/** A tensor that every network of a family has, and no other. */
const FAMILY_SIGNS: readonly (readonly [Backbone["family"], string])[] = [
  ["resnest", "layer1.0.conv2.conv.weight"],
  ["resnet", "layer1.0.conv2.weight"],
  ["efficientnet-lite", "_blocks.0._depthwise_conv.weight"],
];

/** Tensors that only networks of a kind have, the first found deciding. */
const KIND_SIGNS: readonly (readonly [NetworkKind, string])[] = [
  ["affinity", "fc_edge6.weight"],
  ["deeplabv3plus", "aspp.conv1.weight"],
  ["deeplabv3plus", "aspp.project.0.weight"],
  ["classifier", "classifier.weight"],
];

/** What the names of a kind's own tensors start with. */
const HEADS: Readonly<Record<NetworkKind, readonly string[]>> = {
  classifier: ["classifier."],
  affinity: ["fc_edge"],
  deeplabv3plus: ["aspp.", "decoder."],
  backbone: [],
};

/** Tensors of a backbone that features do without: counters, and the classifier of ImageNet. */
const NEEDLESS = /(^|\.)num_batches_tracked$|(^|\.)_?fc\.(weight|bias)$/;

/** Copies in the published classes, and AffinityNet's tables of paths. */
const REPEATED = /^(module\.)?(stage[1-5]\.|backbone\.\d|edge_layers\.|path_indices_)/;

/**
 * Says which network tensors are, and brings their names to those `buildNetwork` wants: prefixes such as
 * `module.` or `backbone.` may stand before all of a network's names or before its backbone's.
 *
 * @param tensors See `readStateDict` and `readSafetensors`.
 * @throws {ModelError} when no network here has such tensors; the text names the closest and the first
 *   names and shapes that differ.
 * @throws {OptionError} when `backbone` is unknown.
 */
export function recognizeNetwork(
  tensors: StateDict,
  options: RecognizeOptions = {},
): RecognizedNetwork {
  const { kind: wantedKind, backbone: wantedBackbone } = options;
  if (wantedBackbone !== undefined && !Object.hasOwn(BACKBONES, wantedBackbone)) {
    throw new OptionError(
      `Unknown backbone "${wantedBackbone}"; there are ${BACKBONE_NAMES.join(", ")}`,
    );
  }
  const names = [...tensors.keys()];
  const { family, prefix: backbonePrefix } = findFamily(names);
  const head = findHead(tensors, names);
  const kind = wantedKind ?? head.kind;
  const headPrefix = head.kind === kind ? head.prefix : "";
  const renamed = rename(tensors, kind, backbonePrefix, headPrefix);
  const classes = countClasses(kind, renamed);

  const candidates = wantedBackbone
    ? [wantedBackbone]
    : BACKBONE_NAMES.filter((name) => BACKBONES[name].family === family);
  let best: { backbone: BackboneName; differences: string[]; expected: Expected } | undefined;
  for (const backbone of candidates) {
    const expected = networkTensors(kind, backbone, classes);
    const differences = allDifferences(renamed, expected, kind);
    if (!best || differences.length < best.differences.length) {
      best = { backbone, differences, expected };
    }
  }
  const { backbone, differences, expected } = best!;
  if (differences.length > 0) {
    const what = kind === "backbone" ? backbone : `${kind} on ${backbone}`;
    throw new ModelError(
      candidates.length > 1
        ? `Cannot recognise the weights: they come closest to ${what}, but ` +
          differencesText(differences)
        : `Cannot take the weights for ${what}: ${differencesText(differences)}`,
    );
  }
  const weights = new Map([...expected.keys()].map((name) => [name, renamed.get(name)!]));
  const taken = new Set<WeightTensor>(weights.values());
  const ignored = names.filter((name) =>
    !taken.has(tensors.get(name)!) && !NEEDLESS.test(name) && !REPEATED.test(name)
  );
  return { kind, backbone, classes, weights, ignored };
}

type Expected = ReadonlyMap<string, readonly number[]>;

/** What stands before `sign` in the shortest of the names that end in it, at a dot. */
function prefixBefore(names: readonly string[], sign: string): string | undefined {
  let found: string | undefined;
  for (const name of names) {
    if (name !== sign && !name.endsWith(`.${sign}`)) continue;
    const prefix = name.slice(0, -sign.length);
    if (found === undefined || prefix.length < found.length) found = prefix;
  }
  return found;
}

function findFamily(names: readonly string[]): { family: Backbone["family"]; prefix: string } {
  for (const [family, sign] of FAMILY_SIGNS) {
    const prefix = prefixBefore(names, sign);
    if (prefix !== undefined) return { family, prefix };
  }
  const shown = names.slice(0, 3).join(", ");
  throw new ModelError(
    `Cannot recognise the weights: none of the ${names.length} tensors (${shown}, …) is one of ` +
      `${FAMILY_SIGNS.map(([family, sign]) => `${family}'s ${sign}`).join(", ")}`,
  );
}

function findHead(
  tensors: StateDict,
  names: readonly string[],
): { kind: NetworkKind; prefix: string } {
  for (const [kind, sign] of KIND_SIGNS) {
    const prefix = prefixBefore(names, sign);
    if (prefix === undefined) continue;
    // Classifiers for whole images have a matrix there, not a convolution.
    if (tensors.get(prefix + sign)!.shape.length === 4) return { kind, prefix };
  }
  return { kind: "backbone", prefix: "" };
}

function rename(
  tensors: StateDict,
  kind: NetworkKind,
  backbonePrefix: string,
  headPrefix: string,
): Map<string, WeightTensor> {
  const target = kind === "backbone" ? "" : BACKBONE_PREFIX;
  const renamed = new Map<string, WeightTensor>();
  for (const [name, tensor] of tensors) {
    const own = name.slice(headPrefix.length);
    if (name.startsWith(headPrefix) && HEADS[kind].some((start) => own.startsWith(start))) {
      renamed.set(own, tensor);
    } else if (name.startsWith(backbonePrefix)) {
      const inner = name.slice(backbonePrefix.length);
      // Without a prefix of its own, a backbone's names are known by how they start.
      if (backbonePrefix !== "" || /^(conv1|bn1|layer\d|_)/.test(inner)) {
        renamed.set(target + inner, tensor);
      }
    }
  }
  return renamed;
}

/** What is missing, misshapen, or there without being part of the network. */
function allDifferences(
  tensors: StateDict,
  expected: Expected,
  kind: NetworkKind,
): string[] {
  const differences = tensorDifferences(tensors, expected);
  const prefix = kind === "backbone" ? "" : BACKBONE_PREFIX;
  for (const [name, { shape }] of tensors) {
    const part = HEADS[kind].some((start) => name.startsWith(start)) ||
      /^(conv1|bn1|layer\d|_)/.test(name.slice(name.startsWith(prefix) ? prefix.length : 0));
    if (part && !expected.has(name) && !NEEDLESS.test(name)) {
      differences.push(`${name} [${shape.join(", ")}] is not part of it`);
    }
  }
  return differences;
}
