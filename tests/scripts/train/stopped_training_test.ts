import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { Place } from "../../core/training/run/place.ts";
import { STEPS } from "../../core/training/run/tiny_training.ts";

/** Starts the tiny training as a process; resolves when it waits behind a step. */
async function startProcess(place: Place, run: string, step: number, ear: "" | "deaf" = "") {
  const samples = place.path("samples.json");
  writeFileSync(samples, JSON.stringify(place.samples));
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-read",
      "--allow-write",
      "--allow-ffi",
      new URL("../../core/training/run/tiny_process.ts", import.meta.url).pathname,
      place.path(run),
      samples,
      String(step),
      ear,
    ],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const told = { stdout: "", stderr: "" };
  const waiting = Promise.withResolvers<void>();
  const stopping = Promise.withResolvers<void>();
  const read = async (name: keyof typeof told) => {
    for await (const text of child[name].pipeThrough(new TextDecoderStream())) {
      told[name] += text;
      if (told.stdout.includes("waiting\n")) waiting.resolve();
      if (told.stderr.includes("stopping\n")) stopping.resolve();
    }
  };
  const ended = Promise.all([child.status, read("stdout"), read("stderr")]).then(([{ code }]) => {
    waiting.resolve();
    stopping.resolve();
    return { code, output: told.stdout, stderr: told.stderr };
  });
  await waiting.promise;
  return {
    kill: (signal: Deno.Signal) => child.kill(signal),
    /** Resolves when it has heard a first signal. */
    stopping: stopping.promise,
    end: () => ended,
  };
}

Deno.test("a killed process leaves a run that ends in the same bits; SIGINT saves first", async () => {
  using place = new Place();
  const whole = await place.sit("whole");
  const killed = await startProcess(place, "run", 7);
  killed.kill("SIGKILL");
  await killed.end();
  const first = readdirSync(place.path("run/checkpoints"));
  assert.ok(first.includes("step_000000005.npz"), first.join());

  const stopped = await startProcess(place, "run", 11);
  stopped.kill("SIGINT");
  const { code, output, stderr } = await stopped.end();
  assert.equal(code, 0, stderr);
  assert.match(output, /stopped\n$/);
  const last = Number(/step (\d+)\nstopped/.exec(output)![1]);
  const name = `step_${String(last).padStart(9, "0")}.npz`;
  assert.ok(readdirSync(place.path("run/checkpoints")).includes(name), name);

  const rest = await place.sit("run");
  assert.deepEqual([rest.outcome.end, rest.outcome.taken], ["done", STEPS - last]);
  assert.deepEqual(rest.weights, whole.weights);
});

Deno.test("a second SIGINT ends a process at once", async () => {
  using place = new Place();
  // The step under way would take for ever.
  const child = await startProcess(place, "run", 1, "deaf");
  child.kill("SIGINT");
  await child.stopping;
  child.kill("SIGINT");
  const { code, output } = await child.end();
  assert.equal(code, 130);
  assert.doesNotMatch(output, /stopped/);
});
