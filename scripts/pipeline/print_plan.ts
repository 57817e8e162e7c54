/** The plan of a run, for people. */

import type { OpenedData } from "./data.ts";
import type { StepState } from "./run_steps.ts";

/** Steps of a stage that have a line each. */
const FEW = 8;

/** Prints the lists of images and all steps, with how far they are. */
export function printPlan(
  run: string,
  { data, parts }: OpenedData,
  states: readonly StepState[],
): void {
  const lists = parts.map(({ role, name, images }) => {
    const what = { train: "to learn from", dev: "to choose on", test: "to report" }[role];
    return `${images} images of ${name} ${what}`;
  });
  console.log(`${run}: ${data.classes.length} classes; ${lists.join(", ")}`);
  const lines = foldSteps(states);
  const width = Math.max(...lines.map(([name]) => name.length)) + 2;
  for (const [name, images, state] of lines) {
    console.log(`  ${name.padEnd(width)}${images.padStart(6)}  ${state}`);
  }
  const todo = states.filter(({ state }) => !["done", "left out"].includes(state));
  const images = todo.reduce(
    (sum, { step, digest }) => sum + Math.max(0, (step.images ?? 0) - digest.done),
    0,
  );
  console.log(`${todo.length} of ${states.length} steps to run, over ${images} images in all`);
}

/** A line for each step: its name, its images, how far it is. Of stages of many steps there is one line. */
function foldSteps(states: readonly StepState[]): [name: string, images: string, state: string][] {
  const lines: [string, string, string][] = [];
  for (const [stage, group] of Map.groupBy(states, ({ step }) => step.stage)) {
    if (group.length > FEW) {
      const kinds = Map.groupBy(group, ({ state }) => state);
      const counts = [...kinds].map(([state, those]) => `${those.length} ${state}`);
      lines.push([`${stage} (${group.length} steps)`, imagesOf(group[0]!), counts.join(", ")]);
      continue;
    }
    for (const one of group) {
      const { step, state, digest } = one;
      const begun = state === "begun" && digest.done > 0 ? ` (${digest.done} images done)` : "";
      lines.push([step.name, imagesOf(one), state + begun]);
    }
  }
  return lines;
}

function imagesOf({ step: { images } }: StepState): string {
  return images === null ? "" : String(images);
}
