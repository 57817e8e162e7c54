/**
 * All inference rules in one table, by operator.
 */

import type { InferenceTable } from "./call.ts";
import { elementwiseRules } from "./elementwise.ts";
import { linearRules } from "./linear.ts";
import { windowRules } from "./window.ts";
import { reductionRules } from "./reduction.ts";
import { layoutRules } from "./layout.ts";
import { indexingRules } from "./indexing.ts";
import { blockedRules } from "./blocked.ts";

export const inferenceRules: InferenceTable = {
  ...elementwiseRules,
  ...linearRules,
  ...windowRules,
  ...reductionRules,
  ...layoutRules,
  ...indexingRules,
  ...blockedRules,
};
