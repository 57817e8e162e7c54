/** Narrow, shallow backbones of every family; tests/fixtures/make_networks.py has the same in PyTorch. */

import {
  type Backbone,
  efficientNetLiteBackbone,
  resNeStBackbone,
  resNetBackbone,
} from "../../../core/nets/backbones.ts";

const SCALE = { blocks: [1, 2, 1, 3], width: 8 } as const;

export const TINY_BACKBONES: Readonly<Record<Backbone["family"], Backbone>> = {
  "resnet": resNetBackbone(SCALE),
  "resnest": resNeStBackbone({ ...SCALE, stem: 4 }),
  "efficientnet-lite": efficientNetLiteBackbone({ width: 0.25, depth: 0.6 }),
};

/** Classes of the heads on them. */
export const TINY_CLASSES = 3;
