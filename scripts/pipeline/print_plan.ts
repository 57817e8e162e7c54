/** The plan of a run, for people. */

import type { OpenedData } from "./data.ts";
import type { StepState } from "./run_steps.ts";

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
  const width = Math.max(...states.map(({ step }) => step.name.length)) + 2;
  for (const { step, state, digest } of states) {
    const images = step.images === null ? "" : String(step.images);
    const begun = state === "begun" && digest.done > 0 ? ` (${digest.done} images done)` : "";
    console.log(`  ${step.name.padEnd(width)}${images.padStart(6)}  ${state}${begun}`);
  }
  const todo = states.filter(({ state }) => !["done", "left out"].includes(state));
  const images = todo.reduce(
    (sum, { step, digest }) => sum + Math.max(0, (step.images ?? 0) - digest.done),
    0,
  );
  console.log(`${todo.length} of ${states.length} steps to run, over ${images} images in all`);
}
