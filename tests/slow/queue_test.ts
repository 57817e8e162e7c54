import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeVocFolder, type TestVocFolder } from "../helpers/made_up_voc.ts";
import { findNatsServer, startNatsServer } from "../helpers/nats_server.ts";
import { type Ended, ROOT } from "../helpers/processes.ts";
import { makeModelFolder } from "../helpers/tiny_model.ts";

const program = await findNatsServer();
const ignore = program === null;
const IMAGES = 48;

/** A process of ours; disposing kills it. */
class Process implements AsyncDisposable {
  stderr = "";
  readonly ended: Promise<Ended>;
  readonly #child: Deno.ChildProcess;

  constructor(script: string, args: readonly string[], permissions = ["-R", "-W"]) {
    const rights = [...permissions, "--allow-ffi", "--allow-net", "--allow-env", "--allow-sys"];
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", ...rights, `scripts/voc/${script}.ts`, ...args],
      cwd: ROOT,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      env: { NO_COLOR: "1" },
    }).spawn();
    const read = async () => {
      const decoder = new TextDecoderStream();
      for await (const text of this.#child.stderr.pipeThrough(decoder)) this.stderr += text;
    };
    const stdout = new Response(this.#child.stdout).text();
    this.ended = Promise.all([stdout, this.#child.status, read()]).then(([stdout, { code }]) => {
      return { code, stdout, stderr: this.stderr };
    });
  }

  async kill(signal: Deno.Signal = "SIGKILL"): Promise<Ended> {
    try {
      this.#child.kill(signal);
    } catch {
      // It has ended.
    }
    return await this.ended;
  }

  async [Symbol.asyncDispose]() {
    await this.kill();
  }
}

/** A data set, a slow model and a queue. */
async function makeStage({ images = IMAGES, slowness = 60 } = {}) {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startNatsServer(program!));
  const models = stack.use(await makeModelFolder({ slowness }));
  const ids = Array.from({ length: images }, (_, i) => `image_${String(i).padStart(3, "0")}`);
  const data: TestVocFolder = stack.use(
    await makeVocFolder(
      "tiny",
      ids.map((id, i) => ({ id, width: 60 + i % 7, height: 50 - i % 5, labels: [i % 20] })),
    ),
  );
  const run = join(data.path, "run");
  const command = ["--data", data.path, "--set", "tiny", "--models", models.path];
  const queue = ["--queue", server.address];
  const rest = stack.move();
  return {
    ids,
    data,
    run,
    models,
    cam: (...args: string[]) =>
      new Process("cam", [...command, "--run", run, ...queue, "--ack-wait", "2", ...args]),
    /** The same without a queue, in another folder. */
    local: async () => {
      const args = [...command, "--run", join(data.path, "local"), "--jobs", "2"];
      const { code, stderr } = await new Process("cam", args).ended;
      assert.equal(code, 0, stderr);
      return await readAll(join(data.path, "local", "cam"));
    },
    worker: (name: string, args: readonly string[] = [], permissions?: string[]) =>
      new Process("worker", [...queue, "--name", name, "--jobs", "1", ...args], permissions),
    watch: () => new Process("worker", [...queue, "--name", "watch", "--watch"]),
    journal: async () => {
      const text = await readFile(join(run, "journal", "cam.jsonl"), "utf8").catch(() => "");
      return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

async function readAll(folder: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const name of (await readdir(folder)).sort()) {
    const content = await readFile(join(folder, name));
    files.set(name, createHash("sha256").update(content).digest("hex"));
  }
  return files;
}

async function until(what: () => Promise<boolean> | boolean): Promise<void> {
  const end = performance.now() + 120_000;
  while (!await what()) {
    if (performance.now() > end) throw new Error(`It never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

Deno.test({
  name: "voc:cam --queue makes every image once, though workers are killed and come late",
  ignore,
  async fn() {
    await using stage = await makeStage();
    const expected = await stage.local();
    assert.equal(expected.size, IMAGES);
    const done = async (count: number) => (await stage.journal()).length >= count;
    await using first = stage.worker("first");
    await using second = stage.worker("second", ["--jobs", "2"]);
    await using cam = stage.cam();
    await until(() => done(6));
    await using watch = stage.watch();
    await first.kill();
    await until(() => done(12));
    await using late = stage.worker("late");
    // Where it is slow to start, there must be work left for it.
    await until(async () => late.stderr.includes("cam: image_") || await done(30));
    await second.kill();
    const { code, stderr } = await cam.ended;
    assert.equal(code, 0, stderr);
    assert.deepEqual(await readAll(join(stage.run, "cam")), expected);
    const entries = await stage.journal();
    assert.deepEqual(entries.map(({ id }) => id).sort(), stage.ids);
    assert.ok(entries.every((entry) => entry.unlike === undefined));
    for (const name of ["first", "second", "late"]) {
      assert.match(stderr, new RegExp(`${name} works`));
    }
    assert.doesNotMatch(stderr, /warning/);

    const shown = await watch.ended;
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, / of 48 done, [^\n]*in work: /);
    assert.match(shown.stdout, /48 of 48 done, at its end\n$/);

    // Nothing is left to do, for this way of working or the other.
    const args = ["--data", stage.data.path, "--set", "tiny", "--models", stage.models.path];
    const again = await new Process("cam", [...args, "--run", stage.run]).ended;
    assert.match(again.stderr, /cam: 48 done already\n$/);
    const ended = await late.kill("SIGTERM");
    assert.deepEqual([ended.code, /late: \d+ results made/.test(ended.stderr)], [130, true]);
  },
});

Deno.test({
  name: "voc:cam --queue takes in what was done while it was dead",
  ignore,
  async fn() {
    await using stage = await makeStage({ images: 24, slowness: 30 });
    const expected = await stage.local();
    await using worker = stage.worker("worker");
    const first = stage.cam();
    await until(async () => (await stage.journal()).length >= 4);
    await first.kill();
    const before = (await stage.journal()).length;
    assert.ok(before < 20);
    // The worker goes on with what it was given.
    const count = () => worker.stderr.split("cam: image_").length - 1;
    await until(() => count() === 24);
    await using second = stage.cam();
    const { code, stderr } = await second.ended;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /cam: 24 done already/);
    assert.deepEqual(await readAll(join(stage.run, "cam")), expected);
    assert.deepEqual((await stage.journal()).map(({ id }) => id).sort(), stage.ids);
  },
});

Deno.test({
  name: "voc:cam --results store needs no folder that workers can see, nor that they may write",
  ignore,
  async fn() {
    await using stage = await makeStage({ images: 12, slowness: 0 });
    const expected = await stage.local();
    const readable = `--allow-read=${ROOT.pathname},${stage.models.path}`;
    await using worker = stage.worker("blind", ["--models", stage.models.path], [readable]);
    await using cam = stage.cam("--results", "store");
    const { code, stderr } = await cam.ended;
    assert.equal(code, 0, stderr + worker.stderr);
    assert.deepEqual(await readAll(join(stage.run, "cam")), expected);
    const [entry] = await stage.journal();
    assert.ok(entry.out.cam.mtime > 0);
  },
});

Deno.test({
  name: "voc:cam --queue sets aside what workers fail at, and what kills them",
  ignore,
  async fn() {
    await using stage = await makeStage({ images: 4, slowness: 600 });
    await writeFile(stage.data.folder.imagePath(stage.ids[0]!), "no photo");
    const errors = async () => {
      const text = await readFile(join(stage.run, "errors.cam.jsonl"), "utf8");
      return text.trim().split("\n").map((line) => JSON.parse(line)).sort((a, b) =>
        a.id < b.id ? -1 : 1
      );
    };
    await using cam = stage.cam("--deliveries", "1");
    {
      await using victim = stage.worker("victim");
      await until(() => cam.stderr.includes("victim works"));
      // The first has failed at once; it dies at the second.
      await until(async () => (await errors().catch(() => [])).length === 1);
      await new Promise((resolve) => setTimeout(resolve, 100));
      await victim.kill();
    }
    await using heir = stage.worker("heir");
    const { code, stderr } = await cam.ended;
    assert.equal(code, 1, stderr + heir.stderr);
    const [first, second, ...none] = await errors();
    assert.deepEqual([first.id, first.error], [stage.ids[0], "UnsupportedFormatError"]);
    assert.deepEqual([second.id, second.error], [stage.ids[1], "BatchError"]);
    assert.match(second.message, /Nobody has lived to finish it/);
    assert.equal(none.length, 0);
    assert.equal((await readdir(join(stage.run, "cam"))).length, 2);
  },
});

Deno.test({
  name: "voc:cam --queue warns of workers that are set otherwise, and keeps note of it",
  ignore,
  async fn() {
    await using stage = await makeStage({ images: 6, slowness: 0 });
    await using worker = stage.worker("wide", ["--threads", "2"]);
    await using cam = stage.cam();
    const { code, stderr } = await cam.ended;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /warning: wide may make other bytes: runtime\.threads: was 1, now 2/);
    const entries = await stage.journal();
    assert.ok(entries.every(({ unlike }) => unlike[0] === "runtime.threads: was 1, now 2"));
    await worker.kill();

    // Of another model it takes no part.
    await using other = await makeModelFolder({ seed: 2 });
    await using stranger = stage.worker("stranger", ["--models", other.path]);
    await using next = stage.cam("--redo", "--no-mirror");
    await until(() => next.stderr.includes("stranger takes no part"));
    assert.match(next.stderr, /Here it would be made otherwise: model\.sha256/);
    await until(() => stranger.stderr.includes("Cannot work on cam"));
    // Interrupted, it takes all back.
    const ended = await next.kill("SIGINT");
    assert.equal(ended.code, 130, ended.stderr);
  },
});
