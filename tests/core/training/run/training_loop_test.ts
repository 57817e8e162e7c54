import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TrainingError } from "../../../../core/errors.ts";
import { readMetrics } from "../../../../core/training/run/metrics_file.ts";
import { restoreBest } from "../../../../core/training/run/training_loop.ts";
import { Pcg64 } from "../../../../kernels/pcg64.ts";
import { Place } from "./place.ts";
import { openTrainer, STEPS, weightOf } from "./tiny_training.ts";

/** Lines without what differs between any two runs. */
function timeless(run: string) {
  return readMetrics(run).map((line) => ({ ...line, seconds: 0, waited: 0 }));
}

Deno.test("runTraining() ends in the same bits wherever it was broken off", async () => {
  using place = new Place();
  const whole = await place.sit("whole");
  assert.equal(whole.outcome.end, "done");
  assert.equal(whole.outcome.step, STEPS);
  const random = new Pcg64(11);
  for (let round = 0; round < 4; round++) {
    const run = `broken_${round}`;
    let sittings = 0;
    for (let end = ""; end !== "done"; sittings++) {
      // Every sitting dies after one to nine steps, in the middle of one or by the signal.
      const last = 1 + Math.floor(9 * random.uniform());
      const dies = random.uniform() < 0.5;
      const stop = new AbortController();
      let taken = 0;
      const sitting = place.sit(run, ({ trainer }) => ({
        signal: stop.signal,
        trainer: {
          step: (feeds, rate) => {
            if (++taken < last) return trainer.step(feeds, rate);
            if (dies) throw new Error("killed");
            stop.abort();
            return trainer.step(feeds, rate);
          },
          state: () => trainer.state(),
          restore: (state) => trainer.restore(state),
        },
      }));
      const ended = await sitting.catch((error: Error) => {
        assert.equal(error.message, "killed");
        return null;
      });
      end = ended?.outcome.end ?? "killed";
      if (end === "done") assert.deepEqual(ended!.weights, whole.weights);
    }
    assert.ok(sittings > 2, `${sittings} sittings`);
    assert.deepEqual(timeless(place.path(run)), timeless(place.path("whole")));
    assert.deepEqual(
      readFileSync(place.path(`${run}/checkpoints/best.npz`)),
      readFileSync(place.path("whole/checkpoints/best.npz")),
    );
  }
});

Deno.test("runTraining() goes on from the checkpoint before a damaged one", async () => {
  using place = new Place();
  const whole = await place.sit("run");
  const checkpoints = place.path("run/checkpoints");
  assert.deepEqual(readdirSync(checkpoints).sort(), [
    "best.npz",
    "step_000000020.npz",
    "step_000000023.npz",
  ]);
  const last = join(checkpoints, "step_000000023.npz");
  const bytes = readFileSync(last);
  bytes[200]! ^= 1;
  writeFileSync(last, bytes);
  const warnings: string[] = [];
  const starts: number[] = [];
  const again = await place.sit("run", undefined, {
    warned: (message) => warnings.push(message),
    started: (step) => starts.push(step),
  });
  assert.match(warnings.join(), /step_000000023\.npz is damaged/);
  assert.deepEqual(starts, [20]);
  assert.deepEqual(again.weights, whole.weights);
  assert.equal(readMetrics(place.path("run")).filter(({ kind }) => kind === "step").length, STEPS);

  for (const name of readdirSync(checkpoints)) writeFileSync(join(checkpoints, name), "no");
  await assert.rejects(place.sit("run"), TrainingError);
});

Deno.test("runTraining() refuses other options and tells which, but not those that decide nothing", async () => {
  using place = new Place();
  await place.sit("run", () => ({ maxMinutes: 1e-9 }));
  const other = { config: { seed: 7, rate: 0.25, keep: 5 }, steps: 30 };
  await assert.rejects(place.sit("run", () => other), (error: Error) => {
    assert.ok(error instanceof TrainingError);
    assert.match(error.message, /config\.rate: was 0\.5, now 0\.25/);
    assert.match(error.message, /steps: was 23, now 30/);
    assert.doesNotMatch(error.message, /keep|seed/);
    return true;
  });
  await place.sit("run", () => ({ config: { seed: 7, rate: 0.5, keep: 5 }, maxMinutes: 1e-9 }));
  const written = JSON.parse(readFileSync(place.path("run/config.json"), "utf8"));
  assert.deepEqual(written, { seed: 7, rate: 0.5, keep: 5 });
  await assert.rejects(
    place.sit("run", () => ({ madeWith: { samples: "others" } })),
    /madeWith|samples/,
  );
});

Deno.test("runTraining() saves and leaves when time is up", async () => {
  using place = new Place();
  const { outcome } = await place.sit("run", ({ trainer }) => ({
    maxMinutes: 0.1 / 60,
    trainer: {
      step: async (feeds, rate) => {
        await new Promise((resolve) => setTimeout(resolve, 40));
        return await trainer.step(feeds, rate);
      },
      state: () => trainer.state(),
      restore: (state) => trainer.restore(state),
    },
  }));
  assert.equal(outcome.end, "time");
  // None where a machine is slow to begin: time counts from the start.
  assert.ok(outcome.step <= 4, `${outcome.step} steps`);
  const { outcome: rest } = await place.sit("run");
  assert.deepEqual([rest.end, rest.taken], ["done", STEPS - outcome.step]);
});

Deno.test("runTraining() keeps the best validation and ends when nothing gets better", async () => {
  using place = new Place();
  const values = [5, 3, 4, 3.5, 3.2, 1];
  let weights: number[] = [];
  const validated: [number, boolean][] = [];
  const sit = () => {
    const sitting = place.sit("run", (plan) => ({
      validation: {
        every: 3,
        metric: "error",
        better: "lower",
        patience: 3,
        run: (step) => {
          weights.push(weightOf(plan.trainer as Awaited<ReturnType<typeof openTrainer>>));
          return Promise.resolve({ error: values[step / 3 - 1]! });
        },
      },
    }), { validated: ({ step, best }) => validated.push([step, best]) });
    return sitting;
  };
  const { outcome } = await sit();
  assert.deepEqual(outcome, {
    end: "early",
    step: 15,
    taken: 15,
    best: { step: 6, value: 3, metrics: { error: 3 } },
  });
  assert.deepEqual(validated, [[3, true], [6, true], [9, false], [12, false], [15, false]]);
  await using trainer = await openTrainer();
  assert.equal((await restoreBest(place.path("run"), trainer))?.value, 3);
  assert.equal(weightOf(trainer), weights[1]);
  weights = [];
  const { outcome: again } = await sit();
  assert.deepEqual([again.end, again.taken, weights], ["early", 0, []]);
});

Deno.test("runTraining() catches up on a validation that the signal broke off", async () => {
  using place = new Place();
  const run = (validate: (signal: AbortSignal) => Promise<void>, signal?: AbortSignal) =>
    place.sit("run", () => ({
      signal,
      validation: {
        every: 7,
        metric: "x",
        run: async (step, signal) => {
          await validate(signal);
          return { x: step };
        },
      },
    }));
  const stop = new AbortController();
  const broken = await run((signal) => {
    stop.abort();
    return Promise.reject(signal.reason);
  }, stop.signal);
  assert.deepEqual([broken.outcome.end, broken.outcome.step], ["stopped", 7]);
  await run(() => Promise.resolve());
  const steps = readMetrics(place.path("run")).filter(({ kind }) => kind === "validation");
  assert.deepEqual(steps.map(({ step }) => step), [7, 14, 21, 23]);
});

Deno.test("runTraining() throws when a loss is not finite", async () => {
  using place = new Place();
  const sitting = place.sit("run", ({ trainer }) => ({
    trainer: {
      step: async (feeds, rate) => ({ ...await trainer.step(feeds, rate), loss: NaN }),
      state: () => trainer.state(),
      restore: (state) => trainer.restore(state),
    },
  }));
  await assert.rejects(sitting, /loss became NaN in step 1/);
  assert.deepEqual(readMetrics(place.path("run")), []);
});

Deno.test("runTraining() saves no tensors that are not finite, and keeps the checkpoint before", async () => {
  using place = new Place();
  let steps = 0;
  const sitting = place.sit("run", ({ trainer }) => ({
    validation: undefined,
    trainer: {
      // The loss is still finite: only gradients of the seventh step are not.
      step: (feeds, rate) => trainer.step(feeds, ++steps === 7 ? Infinity : rate),
      state: () => trainer.state(),
      restore: (state) => trainer.restore(state),
    },
    steps: 7,
  }));
  await assert.rejects(sitting, {
    name: TrainingError.name,
    message: /\/head\.(weight|bias) is not finite any more at step 7/,
  });
  assert.deepEqual(readdirSync(join(place.path("run"), "checkpoints")), ["step_000000005.npz"]);
  const { outcome } = await place.sit("run", () => ({ validation: undefined, steps: 7 }));
  assert.deepEqual([outcome.end, outcome.step, outcome.taken], ["done", 7, 2]);
});

Deno.test("runTraining() lets nobody else into its folder", async () => {
  using place = new Place();
  let refused: unknown;
  await place.sit("run", ({ feeds }) => ({
    feeds,
    validation: {
      every: STEPS,
      metric: "x",
      run: async () => {
        await place.sit("run").catch((error) => refused = error);
        return { x: 1 };
      },
    },
  }));
  assert.match(String(refused), /Somebody is at work on training/);
});
