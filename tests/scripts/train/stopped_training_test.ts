import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { Place } from "../../core/training/run/place.ts";
import { STEPS } from "../../core/training/run/tiny_training.ts";

/** Starts the tiny training as a process; resolves when it has told of a step. */
async function startProcess(place: Place, run: string, delay: number, step: number) {
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
      String(delay),
    ],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stderr = new Response(child.stderr).text();
  let output = "";
  const reading = Promise.withResolvers<void>();
  const done = (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      output += text;
      if (output.includes(`step ${step}\n`)) reading.resolve();
    }
    reading.resolve();
  })();
  await reading.promise;
  return {
    kill: (signal: Deno.Signal) => child.kill(signal),
    async end() {
      const [{ code }, text] = await Promise.all([child.status, stderr, done]);
      return { code, output, stderr: text };
    },
  };
}

Deno.test("a killed process leaves a run that ends in the same bits; SIGINT saves first", async () => {
  using place = new Place();
  const whole = await place.sit("whole");
  const killed = await startProcess(place, "run", 20, 7);
  killed.kill("SIGKILL");
  await killed.end();
  const first = readdirSync(place.path("run/checkpoints"));
  assert.ok(first.includes("step_000000005.npz"), first.join());

  const stopped = await startProcess(place, "run", 20, 11);
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
  const child = await startProcess(place, "run", 1500, 1);
  const began = performance.now();
  child.kill("SIGINT");
  await new Promise((resolve) => setTimeout(resolve, 300));
  child.kill("SIGINT");
  const { code, output } = await child.end();
  assert.equal(code, 130);
  assert.ok(performance.now() - began < 1200, "it waited for the step");
  assert.doesNotMatch(output, /stopped/);
});
