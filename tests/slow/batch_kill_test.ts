import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFakeSet, readResults, runFake } from "../core/batch/fake_batch.ts";

const PROCESS = new URL("../core/batch/fake_process.ts", import.meta.url);
const COUNT = 40;
const DELAY = 15;
/** Makes files of about 1 MB, so that a kill may well come while one is written. */
const REPEAT = 50_000;

function start(path: string): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", PROCESS.href, path, `${COUNT}`, `${DELAY}`, `${REPEAT}`],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

/** Reads lines until the predicate is met or the stream ends. */
async function readUntil(child: Deno.ChildProcess, enough: (text: string) => boolean) {
  let text = "";
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += part;
    if (enough(text)) break;
  }
  return text;
}

Deno.test("a batch killed ten times at random moments gives what an undisturbed one gives", async () => {
  await using killed = await makeFakeSet(COUNT);
  await using whole = await makeFakeSet(COUNT);
  await runFake(whole, { repeat: REPEAT, workers: 2 });
  let before = 0;
  let parts = 0;
  for (let kill = 0; kill < 10; kill++) {
    const child = start(killed.path);
    // Begun, and some random time more: two or three images' worth.
    await readUntil(child, (text) => text.includes("image_"));
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 3 * DELAY));
    child.kill("SIGKILL");
    await child.status;
    const journal = await readFile(join(killed.run, "journal", "shout.jsonl"), "utf8");
    const done = journal.split("\n").filter((line) => line !== "").length;
    assert.ok(done >= before, "what was done stays done");
    before = done;
    const names = await readdir(join(killed.run, "shout"));
    parts += names.filter((name) => name.endsWith(".part")).length;
  }
  const child = start(killed.path);
  const output = await readUntil(child, () => false);
  assert.equal((await child.status).code, 0);
  const outcome = JSON.parse(output.trim().split("\n").at(-1)!);
  assert.equal(outcome.made + outcome.before, COUNT);
  assert.ok(outcome.before >= 10, `${outcome.before} done in ten runs, ${parts} parts seen`);
  assert.deepEqual(await readResults(killed.run), await readResults(whole.run));
  for (const folder of ["shout", "count", ""]) {
    const names = await readdir(join(killed.run, folder));
    assert.deepEqual(names.filter((name) => name.endsWith(".part")), []);
  }
});

/** Mounts a small disk, which only the superuser can. */
async function mountDisk(path: string, size: string): Promise<boolean> {
  try {
    const mount = new Deno.Command("mount", {
      args: ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path],
      stderr: "null",
    });
    return (await mount.output()).success;
  } catch {
    return false;
  }
}

async function canMount(): Promise<boolean> {
  const path = await Deno.makeTempDir();
  const can = await mountDisk(path, "64k");
  if (can) await new Deno.Command("umount", { args: [path] }).output();
  await Deno.remove(path);
  return can;
}

Deno.test({
  name: "a batch on a full disk says so, leaves nothing half and goes on when there is room",
  ignore: !(await canMount()),
  async fn() {
    await using set = await makeFakeSet(12);
    const disk = join(set.path, "run");
    await Deno.mkdir(disk);
    // Each image takes some 200 KB: there is room for four or five.
    assert.ok(await mountDisk(disk, "1m"));
    try {
      const run = runFake(set, { repeat: 10_000, workers: 2 });
      await assert.rejects(run, { name: "StorageError", message: /Cannot write .*disk is full/ });
      const names = await readdir(join(disk, "shout"));
      assert.ok(names.length > 0 && names.length < 12);
      for (const name of names) {
        const id = name.replace(".txt", "");
        const text = await readFile(join(disk, "shout", name), "utf8");
        assert.equal(text, `THE WORDS OF ${id.toUpperCase()}!`.repeat(10_000));
      }
      const grow = new Deno.Command("mount", { args: ["-o", "remount,size=8m", disk] });
      assert.ok((await grow.output()).success);
      const outcome = await runFake(set, { repeat: 10_000 });
      assert.deepEqual([outcome.made + outcome.before, outcome.failed], [12, []]);
      assert.ok(outcome.before > 0);
    } finally {
      await new Deno.Command("umount", { args: [disk] }).output();
    }
  },
});
