import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { STEPS, writeSamples } from "../../core/training/run/tiny_training.ts";

async function runScript(args: readonly string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-read",
      "--allow-write",
      "--allow-ffi",
      new URL("./tiny_script.ts", import.meta.url).pathname,
      ...args,
    ],
  }).output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

Deno.test("a training script reads flags and a file, leaves when time is up, and goes on", async () => {
  const folder = mkdtempSync(join(tmpdir(), "script-"));
  try {
    const [run, samples, file] = ["run", "samples.json", "config.json"].map((name) =>
      join(folder, name)
    ) as [string, string, string];
    writeFileSync(samples, JSON.stringify(writeSamples(join(folder, "samples"))));
    writeFileSync(file, JSON.stringify({ samples, keep: 1, rate: 0.125 }));
    const common = ["--config", file, "--run", run, "--keep", "3"];
    const first = await runScript([...common, "--hour-at", "4", "--max-minutes", "50"]);
    assert.equal(first.code, 3, first.stderr);
    assert.match(first.stderr, /50 minutes are over: saved at step 5 of 23 in .*same command/);
    const config = JSON.parse(readFileSync(join(run, "config.json"), "utf8"));
    assert.deepEqual(config, {
      run,
      seed: 0,
      cacheMb: 512,
      keep: 3,
      maxMinutes: 50,
      samples,
      rate: 0.125,
      hourAt: 4,
    });

    const other = await runScript([...common, "--rate", "0.25", "--hour-at", "4"]);
    assert.equal(other.code, 1);
    assert.match(other.stderr, /config\.rate: was 0\.125, now 0\.25/);

    const rest = await runScript([...common, "--hour-at", "4"]);
    assert.equal(rest.code, 0, rest.stderr);
    assert.match(rest.stderr, /tiny: going on from step 5 of 23/);
    assert.match(rest.stderr, /tiny: step 23, epoch 6: size \S+ step 23/);
    assert.equal(rest.stdout, `done ${STEPS - 5}\n`);

    const strange = await runScript(["--config", samples, "--run", run]);
    assert.equal(strange.code, 2);
    writeFileSync(file, JSON.stringify({ samples, rat: 1 }));
    const unknown = await runScript(common);
    assert.deepEqual([unknown.code, /rat\b/.test(unknown.stderr)], [2, true]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
