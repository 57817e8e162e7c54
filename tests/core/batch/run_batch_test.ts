import assert from "node:assert/strict";
import {
  appendFile,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BatchError } from "../../../core/errors.ts";
import { type Hire, hireWorkers } from "../../../core/batch/crew.ts";
import { type BatchOutcome, runBatch } from "../../../core/batch/run_batch.ts";
import { fakeBatch, type FakeSet, makeFakeSet, readResults, runFake } from "./fake_batch.ts";

/** A task that reads what the first one makes. */
function runEcho(set: FakeSet): Promise<BatchOutcome> {
  const ending = ".txt";
  const shout = { folder: join(set.run, "shout"), ending, madeBy: "shout", madeAs: "shout" };
  const echo = { folder: join(set.run, "echo"), ending, madeBy: "echo" };
  return runFake(set, { task: "echo", inputs: { text: shout }, outputs: { shout: echo } });
}

/** Workers that begin no image before they are let. */
function holdWorkers() {
  const held = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const hire: Hire = async (batch, stamp) => {
    const crew = await hireWorkers(batch, stamp);
    return {
      earlier: crew.earlier,
      begin: (images) => crew.begin(images),
      async run(image) {
        begun.resolve();
        await held.promise;
        return await crew.run(image);
      },
      cancel: () => crew.cancel(),
      [Symbol.asyncDispose]: () => Promise.resolve(crew[Symbol.asyncDispose]()),
    };
  };
  return { hire, begun: begun.promise, release: held.resolve };
}

Deno.test("runBatch() makes all files, and nothing the second time", async () => {
  await using set = await makeFakeSet(4);
  assert.deepEqual(await runFake(set), { made: 4, before: 0, failed: [], left: 0 });
  const results = await readResults(set.run);
  assert.equal(results.get("shout/image_2.txt"), "THE WORDS OF IMAGE_2!");
  assert.equal(results.get("count/image_2.num"), "20");
  assert.equal(results.size, 8);
  // Workers that would only fail are not even started.
  const idle = await runFake(set, { module: new URL("./none.ts", import.meta.url) });
  assert.deepEqual(idle, { made: 0, before: 4, failed: [], left: 0 });
});

Deno.test("runBatch() goes on with images that are not yet done", async () => {
  await using set = await makeFakeSet(5);
  await runFake(set, { ids: set.ids.slice(0, 2) });
  const first = await stat(join(set.run, "shout", "image_0.txt"));
  assert.deepEqual(await runFake(set), { made: 3, before: 2, failed: [], left: 0 });
  assert.deepEqual(await stat(join(set.run, "shout", "image_0.txt")), first);
});

Deno.test("runBatch() makes again what is gone, cut off or changed", async () => {
  await using set = await makeFakeSet(4);
  await runFake(set);
  const whole = await readResults(set.run);
  const file = (i: number) => join(set.run, "shout", `image_${i}.txt`);
  await rm(join(set.run, "count", "image_0.num"));
  await writeFile(file(1), "THE WORDS");
  await writeFile(file(2), "the words of image_2!");
  await utimes(file(2), 1, 1);
  // Copied: another time, the same content.
  await utimes(file(3), 1, 1);
  assert.deepEqual(await runFake(set), { made: 3, before: 1, failed: [], left: 0 });
  assert.deepEqual(await readResults(set.run), whole);
});

Deno.test("runBatch() reads files of another time once, and notes the time", async () => {
  await using set = await makeFakeSet(3);
  await runFake(set);
  const journal = async () => await readFile(join(set.run, "journal", "shout.jsonl"), "utf8");
  const before = await journal();
  await utimes(join(set.run, "shout", "image_1.txt"), 1, 1);
  assert.equal((await runFake(set)).before, 3);
  const after = await journal();
  const [line, end] = after.slice(before.length).split("\n");
  const { id, out } = JSON.parse(line!);
  assert.deepEqual([id, out.shout.mtime, end], ["image_1", 1000, ""]);
  assert.equal((await runFake(set)).before, 3);
  assert.equal(await journal(), after);
});

Deno.test("runBatch() finds what was changed without a trace when told to verify", async () => {
  await using set = await makeFakeSet(2);
  await runFake(set);
  const file = join(set.run, "shout", "image_1.txt");
  const { mtime } = await stat(file);
  await writeFile(file, "the words of image_1!");
  await utimes(file, mtime, mtime);
  assert.equal((await runFake(set)).made, 0);
  assert.equal((await runFake(set, { verify: true })).made, 1);
});

Deno.test("runBatch() does not trust a journal line that was cut off, and writes on after it", async () => {
  await using set = await makeFakeSet(3);
  await runFake(set);
  const journal = join(set.run, "journal", "shout.jsonl");
  const text = await readFile(journal, "utf8");
  await writeFile(journal, text.slice(0, -20));
  assert.equal((await runFake(set)).made, 1);
  assert.equal((await runFake(set)).made, 0);
});

Deno.test("runBatch() makes images again whose inputs have changed", async () => {
  await using set = await makeFakeSet(3);
  await runFake(set);
  await appendFile(join(set.path, "texts", "image_1.txt"), ", and more");
  assert.equal((await runFake(set)).made, 1);
  const results = await readResults(set.run);
  assert.equal(results.get("shout/image_1.txt"), "THE WORDS OF IMAGE_1, AND MORE!");
});

Deno.test("runBatch() makes again what depends on files that another task has made again", async () => {
  await using set = await makeFakeSet(3);
  const second = () => runEcho(set);
  await runFake(set);
  assert.equal((await second()).made, 3);
  await rm(join(set.run, "shout", "image_0.txt"));
  const blocked = await second();
  assert.deepEqual(blocked.failed, ["image_0"]);
  assert.match(await readFile(join(set.run, "errors.echo.jsonl"), "utf8"), /run voc:shout first/);
  // Made again, the file is the same; so is what was made of it.
  await runFake(set);
  assert.equal((await second()).before, 3);
  await runFake(set, { mark: "?", redo: true });
  assert.equal((await second()).made, 3);
});

Deno.test("runBatch() refuses changed options and tells them, and makes all again with redo", async () => {
  await using set = await makeFakeSet(2);
  await runFake(set);
  await assert.rejects(runFake(set, { mark: "?" }), (error) => {
    assert.ok(error instanceof BatchError);
    assert.match(error.message, /options\.mark: was "!", now "\?"/);
    assert.match(error.message, /--redo/);
    return true;
  });
  assert.equal((await runFake(set)).made, 0);
  assert.equal((await runFake(set, { mark: "?", redo: true })).made, 2);
  assert.equal((await readResults(set.run)).get("shout/image_0.txt"), "THE WORDS OF IMAGE_0?");
  assert.equal((await runFake(set, { mark: "?", redo: true })).made, 0);
});

Deno.test("runBatch() notes images that fail and tries them again", async () => {
  await using set = await makeFakeSet(4);
  const text = join(set.path, "texts", "image_1.txt");
  await runFake(set);
  await writeFile(text, "unreadable");
  const outcome = await runFake(set);
  assert.deepEqual(outcome, { made: 0, before: 3, failed: ["image_1"], left: 0 });
  const lines = (await readFile(join(set.run, "errors.shout.jsonl"), "utf8")).trim().split("\n");
  assert.equal(lines.length, 1);
  const { time: _, ...line } = JSON.parse(lines[0]!);
  assert.deepEqual(line, {
    task: "shout",
    id: "image_1",
    error: "SyntaxError",
    message: "Cannot read these words",
  });
  // Nothing old passes for the result.
  assert.ok(!(await readResults(set.run)).has("shout/image_1.txt"));
  await writeFile(text, "readable");
  assert.deepEqual(await runFake(set), { made: 1, before: 3, failed: [], left: 0 });
  assert.ok(!(await readdir(set.run)).includes("errors.shout.jsonl"));
});

Deno.test("runBatch() makes of shards what one run makes, and leaves parts of others alone", async () => {
  await using set = await makeFakeSet(6);
  await using whole = await makeFakeSet(6);
  await runFake(whole);
  const odd = set.ids.filter((_, i) => i % 2 === 1);
  const even = set.ids.filter((_, i) => i % 2 === 0);
  await Promise.all([
    runFake(set, { ids: odd, shard: "2of2" }),
    runFake(set, { ids: even, shard: "1of2" }),
  ]);
  assert.deepEqual(await readResults(set.run), await readResults(whole.run));
  const uuid = crypto.randomUUID();
  const parts = ["image_0", "image_1"].map((id) => `.${id}.txt.${uuid}.part`);
  for (const part of parts) await writeFile(join(set.run, "shout", part), "THE");
  assert.equal((await runFake(set, { ids: odd, shard: "2of2" })).before, 3);
  const left = (await readdir(join(set.run, "shout"))).filter((name) => name.endsWith(".part"));
  assert.deepEqual(left, [parts[0]]);
  assert.equal((await runFake(set)).before, 6);
});

Deno.test("runBatch() ends after the images in work when the signal comes", async () => {
  await using set = await makeFakeSet(6);
  const controller = new AbortController();
  const outcome = await runBatch(fakeBatch(set.path, set.ids), {
    finished: (id) => id === "image_2" && controller.abort(),
  }, controller.signal);
  assert.deepEqual(outcome, { made: 3, before: 0, failed: [], left: 3 });
  assert.equal((await runFake(set)).made, 3);
});

Deno.test("runBatch() rejects with the reason when workers cannot be set up", async () => {
  await using set = await makeFakeSet(2);
  await assert.rejects(runFake(set, { mark: "broken" }), RangeError);
});

Deno.test("runBatch() stops at the first file that cannot be written", async () => {
  await using set = await makeFakeSet(3);
  // A file where the folder should be.
  await runFake(set, { ids: [] });
  await writeFile(join(set.run, "shout"), "in the way");
  await assert.rejects(runFake(set), { name: "StorageError", message: /Cannot write .*image_0/ });
});

Deno.test("runBatch() refuses a folder whose run.json is something else", async () => {
  await using set = await makeFakeSet(1);
  await runFake(set);
  await writeFile(join(set.run, "run.json"), "[]");
  await assert.rejects(runFake(set), { name: "BatchError", message: /another --run/ });
});

Deno.test("runBatch() touches nothing outside of the run", async () => {
  await using set = await makeFakeSet(1);
  const kept = join(set.path, "kept.txt");
  await writeFile(kept, "the thesis");
  for (const id of ["../../kept", kept.slice(0, -4), "../x", "below/x"]) {
    await assert.rejects(runFake(set, { ids: ["image_0", id] }), {
      name: "BatchError",
      message: /does not lie in a folder of/,
    });
  }
  const outputs = { shout: { folder: join(set.path, "runs"), ending: ".txt", madeBy: "shout" } };
  await assert.rejects(runFake(set, { outputs }), BatchError);
  assert.equal(await readFile(kept, "utf8"), "the thesis");
  assert.deepEqual((await readdir(set.path)).sort(), ["kept.txt", "texts"]);
});

Deno.test("runBatch() keeps all results where inputs are missing", async () => {
  await using set = await makeFakeSet(3);
  await runFake(set);
  const results = await readResults(set.run);
  await rename(join(set.path, "texts"), join(set.path, "unmounted"));
  const outcome = await runFake(set);
  assert.deepEqual(outcome, { made: 0, before: 0, failed: [...set.ids], left: 0 });
  assert.deepEqual(await readResults(set.run), results);
  await rename(join(set.path, "unmounted"), join(set.path, "texts"));
  assert.equal((await runFake(set)).before, 3);
});

Deno.test("runBatch() removes no file of an image that fails but those it has made", async () => {
  await using set = await makeFakeSet(2);
  for (const id of set.ids) await writeFile(join(set.path, "texts", `${id}.txt`), "unreadable");
  await mkdir(join(set.run, "shout"), { recursive: true });
  await writeFile(join(set.run, "shout", "image_0.txt"), "somebody's");
  assert.equal((await runFake(set)).failed.length, 2);
  await writeFile(join(set.path, "texts", "image_1.txt"), "readable");
  await runFake(set);
  await writeFile(join(set.path, "texts", "image_1.txt"), "unreadable");
  await writeFile(join(set.run, "shout", "image_1.txt"), "improved by hand");
  assert.equal((await runFake(set)).failed.length, 2);
  assert.deepEqual([...await readResults(set.run)], [
    ["shout/image_0.txt", "somebody's"],
    ["shout/image_1.txt", "improved by hand"],
  ]);
});

Deno.test("runBatch() takes from other tasks only what they vouch for, made as the run makes it", async () => {
  await using set = await makeFakeSet(4);
  await runFake(set);
  // Half made again with other options, and one file that nobody made.
  await runFake(set, { ids: set.ids.slice(0, 2), mark: "?", redo: true });
  await writeFile(join(set.run, "shout", "image_1.txt"), "somebody's");
  const { made, failed } = await runEcho(set);
  assert.deepEqual([made, failed], [1, ["image_1", "image_2", "image_3"]]);
  const lines = (await readFile(join(set.run, "errors.echo.jsonl"), "utf8")).trim().split("\n");
  const messages = lines.map((line) => JSON.parse(line).message as string);
  assert.match(messages[0]!, /image_1\.txt is not what voc:shout has made: .*--use shout=$/);
  assert.match(messages[1]!, /image_2\.txt was made with other options than the run's/);
  // The rest made the same way, the file of the other origin replaced.
  await runFake(set, { mark: "?" });
  assert.equal((await runEcho(set)).made, 3);
});

Deno.test("runBatch() keeps the errors of shards apart, and takes them out when all is tried again", async () => {
  await using set = await makeFakeSet(4);
  for (const id of set.ids) await writeFile(join(set.path, "texts", `${id}.txt`), "unreadable");
  const part = (i: number) => ({ ids: set.ids.slice(2 * i, 2 * i + 2), shard: `${i + 1}of2` });
  await Promise.all([runFake(set, part(0)), runFake(set, part(1))]);
  const failed = async (name: string) => {
    const lines = (await readFile(join(set.run, name), "utf8")).trim().split("\n");
    return lines.map((line) => JSON.parse(line).id);
  };
  const names = async () => (await readdir(set.run)).filter((name) => /error/.test(name)).sort();
  assert.deepEqual(await failed("errors.shout.1of2.jsonl"), ["image_0", "image_1"]);
  assert.deepEqual(await failed("errors.shout.2of2.jsonl"), ["image_2", "image_3"]);
  assert.deepEqual(await names(), ["errors.shout.1of2.jsonl", "errors.shout.2of2.jsonl"]);
  await runFake(set, { ids: set.ids.slice(0, 3) });
  assert.deepEqual(await names(), ["errors.shout.2of2.jsonl", "errors.shout.jsonl"]);
  assert.deepEqual(await failed("errors.shout.2of2.jsonl"), ["image_3"]);
  for (const id of set.ids) await writeFile(join(set.path, "texts", `${id}.txt`), "readable");
  await runFake(set);
  assert.deepEqual(await names(), []);
});

Deno.test("runBatch() keeps the errors of tasks at work on one run apart", async () => {
  await using set = await makeFakeSet(6);
  for (const id of set.ids) await writeFile(join(set.path, "texts", `${id}.txt`), "unreadable");
  const tasks = ["shout", "whisper", "echo"];
  // Twice, so that each takes out its old lines while the others append.
  for (let round = 0; round < 2; round++) {
    await Promise.all(tasks.map((task) => runFake(set, { task, outputs: {}, delay: 2 })));
  }
  for (const task of tasks) {
    const text = await readFile(join(set.run, `errors.${task}.jsonl`), "utf8");
    const lines = text.trim().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(lines.map(({ id }) => id).sort(), [...set.ids]);
    assert.ok(lines.every((line) => line.task === task));
  }
});

Deno.test("runBatch() refuses what somebody is at work on, and takes no parts from them", async () => {
  await using set = await makeFakeSet(2);
  const part = join(set.run, "shout", `.image_0.txt.${crypto.randomUUID()}.part`);
  const refused = { name: "BatchError", message: /Somebody is at work on shout/ };
  const workers = holdWorkers();
  const first = runBatch(fakeBatch(set.path, set.ids, { hire: workers.hire }), {
    planned() {
      mkdirSync(join(set.run, "shout"));
      writeFileSync(part, "THE");
    },
  });
  await workers.begun;
  await Promise.all([
    assert.rejects(runFake(set), refused),
    assert.rejects(runFake(set, { shard: "1of2", ids: set.ids.slice(0, 1) }), refused),
  ]);
  // Another task of the same run may be at work.
  assert.equal((await runFake(set, { task: "whisper", ids: [] })).made, 0);
  workers.release();
  assert.equal((await first).made, 2);
  await stat(part);
  assert.equal((await runFake(set)).before, 2);
  await assert.rejects(stat(part), { code: "ENOENT" });

  const shard = (name: string, hire?: Hire) =>
    runFake(set, { shard: name, redo: true, mark: "?", hire });
  const others = holdWorkers();
  const one = shard("1of2", others.hire);
  await others.begun;
  await assert.rejects(shard("1of2"), refused);
  // Parts of another number may hold the same images.
  const parts = { name: "BatchError", message: /Somebody is at work on shout in 2 parts/ };
  await assert.rejects(shard("1of4"), parts);
  await assert.rejects(shard("3of4"), parts);
  await assert.rejects(runFake(set), refused);
  others.release();
  assert.equal((await one).made, 2);
  assert.equal((await shard("3of4")).before, 2);
});
