import assert from "node:assert/strict";
import { dateAndHardware } from "../../../scripts/train/hardware.ts";
import { writeCommandLine } from "../../../scripts/train/command_line.ts";
import { learningOptions, planSteps } from "../../../scripts/train/network_options.ts";
import {
  affinityOptions,
  checkedClassifierOptions,
  classifierOptions,
  segmentationOptions,
} from "../../../scripts/train/schemas.ts";

const NEEDED = { run: "r", data: "d" } as const;
const FRESH = new Set(["head.weight", "head.bias"]);

/** Rate's factor and weight decay of a tensor; `null` when it is not learnt. */
function howIsLearnt(options: ReturnType<typeof learningOptions>, name: string) {
  const group = options.groups.find(({ match }) =>
    typeof match === "function" ? match(name) : match.test(name)
  );
  return group === undefined ? null : [group.rate, group.weightDecay];
}

Deno.test("learningOptions() learns new weights faster, and biases twice as fast without decay", () => {
  const config = classifierOptions.parse(NEEDED);
  const options = learningOptions(config, FRESH);
  assert.deepEqual(options.optimizer, { type: "sgd", momentum: 0.9, nesterov: true });
  assert.deepEqual(howIsLearnt(options, "model.a.weight"), [1, 1e-4]);
  assert.deepEqual(howIsLearnt(options, "model.a.bias"), [2, 0]);
  assert.deepEqual(howIsLearnt(options, "head.weight"), [10, 1e-4]);
  assert.deepEqual(howIsLearnt(options, "head.bias"), [20, 0]);

  const adam = learningOptions({ ...config, optimizer: "adam", momentum: 0 }, FRESH);
  assert.deepEqual(adam.optimizer, { type: "adam" });
  assert.deepEqual(howIsLearnt(adam, "head.bias"), [10, 0]);
});

Deno.test("learningOptions() can learn AffinityNet as published: one rate, decay on all", () => {
  const config = affinityOptions.parse({
    ...NEEDED,
    labels: "l",
    rate: 0.1,
    headRate: 1,
    biasRate: 1,
    decayBiases: true,
    momentum: 1e-4,
  });
  const options = learningOptions(config, FRESH);
  assert.deepEqual(options.optimizer, { type: "sgd", momentum: 1e-4, nesterov: true });
  assert.deepEqual(howIsLearnt(options, "head.weight"), [1, 1e-4]);
  assert.deepEqual(howIsLearnt(options, "head.bias"), [1, 1e-4]);
  assert.equal(howIsLearnt(options, "model.layer1.0.conv1.weight"), null);
});

Deno.test("planSteps() counts steps by epochs and lets the rate fall to their end", () => {
  const config = segmentationOptions.parse({
    ...NEEDED,
    masks: "m",
    epochs: 2.5,
    rate: 0.2,
    validateEvery: 0.5,
    warmUp: 4,
  });
  const { steps, schedule, every } = planSteps(config, 7);
  assert.deepEqual([steps, every], [18, 4]);
  assert.equal(schedule(0), 0.2 / 4);
  assert.ok(Math.abs(schedule(9) - 0.2 * 0.5 ** 0.9) < 1e-12);
  assert.equal(schedule(18), 0);
  assert.equal(planSteps({ ...config, epochs: 0.01, validateEvery: 0.01 }, 7).steps, 1);
});

Deno.test("checkedClassifierOptions refuse crops that cannot be cut into tiles", () => {
  const refused = checkedClassifierOptions.safeParse({ ...NEEDED, size: 240 });
  const [issue] = refused.error!.issues;
  assert.deepEqual(issue!.path, ["size"]);
  assert.match(issue!.message, /multiple of 32 px .* --no-puzzle/);
  for (const fine of [{ size: 256 }, { size: 240, puzzle: false }]) {
    assert.equal(checkedClassifierOptions.safeParse({ ...NEEDED, ...fine }).success, true);
  }
});

Deno.test("writeCommandLine() tells what differs from the defaults, quoted, and no places of this machine", () => {
  const config = affinityOptions.parse({
    run: "/home/somebody/runs/edges",
    data: "../data/VOC2012",
    labels: "runs/my labels",
    frozen: "^model\\.(a|b)",
    rate: 0.01,
    epochs: 4,
    decayBiases: true,
    workers: 3,
    maxMinutes: 5,
  });
  assert.equal(
    writeCommandLine("train:affinity", affinityOptions, config),
    "deno task train:affinity --run edges --data VOC2012 --epochs 4 --decay-biases " +
      "--frozen '^model\\.(a|b)' --labels 'runs/my labels'",
  );
});

Deno.test("dateAndHardware() tells the day, the threads and the platform", () => {
  const day = new Date("2025-03-04T23:00:00Z");
  const text = dateAndHardware({ device: "cpu", threads: 2 }, day);
  assert.match(text, /^2025-03-04 on 2 threads of \d+ cores.* \(\w+ \w+\)$/);
  assert.match(dateAndHardware({ device: "cuda", threads: 1 }, day), /^2025-03-04 on CUDA \(/);
});
