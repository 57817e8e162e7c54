import assert from "node:assert/strict";
import { DecodeError, LimitError, OptionError } from "../../../core/errors.ts";
import { DEFAULT_CAM_MODEL } from "../../../core/runtime/models.ts";
import { StagePool } from "../../../core/runtime/stage_pool.ts";
import { WorkerPool, type WorkerPoolOptions } from "../../../core/runtime/worker_pool.ts";
import type { StageRequest } from "../../../core/stages/render.ts";
import { CAT, makeBomb, TRUNCATED_CAT } from "../../helpers/photos.ts";
import type { OddRequest, OddSetup } from "../../helpers/odd_worker.ts";
import { makeModelFolder, type ModelFolder } from "../../helpers/tiny_model.ts";

const folder: ModelFolder = await makeModelFolder();
/** For tests that leave a pool as it was. */
const shared = openPool();
await shared.ready;
Deno.test.afterAll(async () => {
  shared.close();
  await folder[Symbol.asyncDispose]();
});

function openPool(workers = 1): StagePool & Disposable {
  const pool = new StagePool(
    { models: folder.url, camModel: DEFAULT_CAM_MODEL, device: "cpu" },
    { workers, threads: 1 },
  );
  return Object.assign(pool, { [Symbol.dispose]: () => pool.close() });
}

function request(parts: Partial<StageRequest<"cam">> = {}): StageRequest<"cam"> {
  return { stage: "cam", image: CAT, options: {}, files: [], output: true, limits: {}, ...parts };
}

/** Runs `make` with a `Worker` that remembers its instances. */
function recordWorkers<T>(make: () => T): { made: T; workers: Worker[]; restore: () => void } {
  const { Worker } = globalThis;
  const workers: Worker[] = [];
  globalThis.Worker = class extends Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      workers.push(this);
    }
  };
  return { made: make(), workers, restore: () => globalThis.Worker = Worker };
}

Deno.test("StagePool.ready tells device and model", async () => {
  const { device, camModel } = await shared.ready;
  assert.equal(device, "cpu");
  assert.equal(camModel.file, "tiny.onnx");
});

Deno.test("StagePool.run() gives the same result on every worker", async () => {
  using pool = openPool(2);
  const jobs = Array.from({ length: 6 }, () => pool.run(request()));
  assert.equal(pool.load, 6);
  const [first, ...others] = await Promise.all(jobs);
  assert.equal(pool.load, 0);
  assert.ok(first!.output!.hrCam.data.length > 0);
  for (const { output } of others) assert.deepEqual(output, first!.output);
});

Deno.test("StagePool.run() leaves the caller's image as it was", async () => {
  const image = CAT.slice();
  await shared.run(request({ image }));
  assert.deepEqual(image, CAT);
});

Deno.test("StagePool.run() keeps the class of errors and works on after them", async () => {
  const cases = [
    [request({ image: TRUNCATED_CAT }), DecodeError],
    [request({ image: makeBomb() }), LimitError],
    [request({ options: { labels: ["unicorn"] } }), OptionError],
    [request({ limits: { maxSide: 400 } }), LimitError],
  ] as const;
  for (const [job, errorClass] of cases) await assert.rejects(shared.run(job), errorClass);
  assert.ok((await shared.run(request())).output);
});

Deno.test("StagePool.run() rejects options that cannot be sent to a worker and works on", async () => {
  const options = { mirror: (() => true) as unknown as boolean };
  await assert.rejects(shared.run(request({ options })), { name: "DataCloneError" });
  assert.ok((await shared.run(request())).output);
  assert.equal(shared.load, 0);
});

Deno.test("StagePool.run() does not begin when the signal has been aborted", async () => {
  const reason = new Error("changed my mind");
  await assert.rejects(shared.run(request(), { signal: AbortSignal.abort(reason) }), reason);
  assert.equal(shared.load, 0);
});

Deno.test("StagePool.run() leaves the queue when aborted there, even before workers are ready", async () => {
  using pool = openPool();
  const reason = new Error("changed my mind");
  const controller = new AbortController();
  const job = pool.run(request(), { signal: controller.signal });
  assert.equal(pool.load, 1);
  controller.abort(reason);
  await assert.rejects(job, reason);
  assert.equal(pool.load, 0);
  assert.ok((await pool.run(request())).output);
});

Deno.test("StagePool replaces a worker that crashes and gives its job to the next", async () => {
  const { made: pool, workers, restore } = recordWorkers(() => openPool(1));
  try {
    await pool.ready;
    // No pool sends this; the worker fails outside of what it catches, before it comes to its job.
    workers[0]!.postMessage(null);
    const shaken = pool.run(request());
    const waiting = pool.run(request());
    const { output } = await shaken;
    assert.deepEqual(output, (await waiting).output);
    assert.equal(workers.length, 2);
    assert.deepEqual(pool.restarts, { crash: 1, stuck: 0, memory: 0 });
  } finally {
    pool.close();
    restore();
  }
});

Deno.test("StagePool gives up when a crashed worker cannot be replaced", async () => {
  await using gone = await makeModelFolder();
  const { made: pool, workers, restore } = recordWorkers(() =>
    new StagePool({ models: gone.url, camModel: DEFAULT_CAM_MODEL, device: "cpu" }, {
      workers: 1,
      threads: 1,
    })
  );
  try {
    await pool.ready;
    await gone[Symbol.asyncDispose]();
    workers[0]!.postMessage(null);
    const doomed = pool.run(request());
    const waiting = pool.run(request());
    await assert.rejects(doomed, { name: "ModelError" });
    await assert.rejects(waiting, { name: "ModelError" });
    await assert.rejects(pool.run(request()), { name: "ModelError" });
  } finally {
    pool.close();
    restore();
  }
});

Deno.test("StagePool.state and onFault tell of workers that are lost", async () => {
  await using gone = await makeModelFolder();
  const faults: string[] = [];
  const states: StagePool["state"][] = [];
  const { made: pool, workers, restore } = recordWorkers((): StagePool =>
    new StagePool({ models: gone.url, camModel: DEFAULT_CAM_MODEL, device: "cpu" }, {
      workers: 1,
      threads: 1,
    }, {
      onFault(message, error) {
        faults.push(`${message}: ${(error as Error).name}`);
        states.push(pool.state);
      },
    })
  );
  const state = () => pool.state;
  try {
    assert.deepEqual(state(), { working: 0, ended: null });
    await pool.ready;
    assert.deepEqual(state(), { working: 1, ended: null });
    await gone[Symbol.asyncDispose]();
    workers[0]!.postMessage(null);
    const doomed = pool.run(request());
    const waiting = pool.run(request());
    await assert.rejects(doomed, { name: "ModelError" });
    await assert.rejects(waiting, { name: "ModelError" });
    assert.equal(state().working, 0);
    assert.equal((state().ended!.reason as Error).name, "ModelError");
    assert.deepEqual(states[0], { working: 0, ended: null });
    assert.deepEqual(faults, [
      "A worker crashed and is being replaced: WorkerError",
      "No worker is left: ModelError",
    ]);
  } finally {
    pool.close();
    restore();
  }
});

Deno.test("StagePool replaces a worker as soon as it can when at first it cannot", async () => {
  await using models = await makeModelFolder();
  const manifest = new URL("manifest.json", models.url);
  const hidden = new URL("hidden.json", models.url);
  const { promise: refused, resolve } = Promise.withResolvers<unknown>();
  const { made: pool, workers, restore } = recordWorkers(() =>
    new StagePool({ models: models.url, camModel: DEFAULT_CAM_MODEL, device: "cpu" }, {
      workers: 2,
      threads: 1,
    }, {
      retryMs: 20,
      onFault: (message, error) => /cannot be replaced/.test(message) && resolve(error),
    })
  );
  try {
    await pool.ready;
    await Deno.rename(manifest, hidden);
    workers[0]!.postMessage(null);
    assert.equal((await refused as Error).name, "ModelError");
    assert.deepEqual(pool.state, { working: 1, ended: null });
    assert.ok((await pool.run(request())).output);
    await Deno.rename(hidden, manifest);
    while (pool.state.working < 2) await new Promise((done) => setTimeout(done, 10));
    assert.ok((await pool.run(request())).output);
  } finally {
    pool.close();
    restore();
  }
});

Deno.test("StagePool.close() ends the attempts to replace a worker", async () => {
  await using models = await makeModelFolder();
  const { promise: refused, resolve } = Promise.withResolvers<void>();
  const { made: pool, workers, restore } = recordWorkers(() =>
    new StagePool({ models: models.url, camModel: DEFAULT_CAM_MODEL, device: "cpu" }, {
      workers: 2,
      threads: 1,
    }, { onFault: (message) => /cannot be replaced/.test(message) && resolve() })
  );
  try {
    await pool.ready;
    await models[Symbol.asyncDispose]();
    workers[0]!.postMessage(null);
    await refused;
    pool.close();
    // A timer left waiting would fail this test.
    assert.match(String(pool.state.ended!.reason), /closed/);
  } finally {
    restore();
  }
});

Deno.test("StagePool has a worker give back its memory and replaces it when there is too much", async () => {
  let memory = 0;
  const faults: string[] = [];
  const { made: pool, workers, restore } = recordWorkers(() =>
    new StagePool({ models: folder.url, device: "cpu" }, { workers: 1, threads: 1 }, {
      memoryLimit: 1000,
      readMemory: () => memory,
      onFault: (message) => faults.push(message),
    })
  );
  try {
    await pool.run(request());
    assert.equal(workers.length, 1);
    memory = 1001;
    // All jobs are done, the second by another worker; the third by the same, as that was a moment ago.
    for (let job = 0; job < 3; job++) assert.ok((await pool.run(request())).output);
    assert.equal(workers.length, 2);
    assert.deepEqual(pool.restarts, { crash: 0, stuck: 0, memory: 1 });
    assert.deepEqual(faults, []);
  } finally {
    pool.close();
    restore();
  }
});

function openOddPool(options: WorkerPoolOptions = {}, crashes = 0) {
  const setup: OddSetup = { crashes: new Int32Array(new SharedArrayBuffer(4)).fill(crashes) };
  const module = new URL("../../helpers/odd_worker.ts", import.meta.url);
  const pool = new WorkerPool<OddSetup, OddRequest, object, { answer: string }>(
    module,
    setup,
    1,
    options,
  );
  return Object.assign(pool, { [Symbol.dispose]: () => pool.close() });
}

Deno.test("WorkerPool gives a job to a second worker when the first crashes, not to a third", async () => {
  using once = openOddPool({}, 1);
  assert.deepEqual(await once.run("crash"), { answer: "crash" });
  using always = openOddPool({}, 100);
  await assert.rejects(always.run("crash"), { name: "WorkerError", message: /on purpose/ });
  assert.deepEqual(await always.run("echo"), { answer: "echo" });
  assert.equal(always.restarts.crash, 2);
});

Deno.test("WorkerPool replaces a worker that does not end its cancelled job", async () => {
  const faults: string[] = [];
  using pool = openOddPool({ stuckMs: 100, onFault: (message) => faults.push(message) });
  await pool.ready;
  const controller = new AbortController();
  const hanging = pool.run("hang", { signal: controller.signal });
  const waiting = pool.run("echo");
  controller.abort(new Error("enough"));
  await assert.rejects(hanging, /enough/);
  assert.deepEqual(await waiting, { answer: "echo" });
  assert.equal(pool.restarts.stuck, 1);
  assert.deepEqual(faults, ["A worker hangs and is being replaced"]);
});

Deno.test("WorkerPool ends a worker whose job takes more memory than there is for it", async () => {
  // The real memory is that of all tests at work side by side.
  let memory = 0;
  using pool = openOddPool({ memoryLimit: 1000, readMemory: () => memory });
  await pool.ready;
  const filling = pool.run("fill-heap");
  memory = 2000;
  await assert.rejects(filling, { name: "WorkerError", message: /memory/ });
  memory = 0;
  assert.deepEqual(await pool.run("echo"), { answer: "echo" });
  assert.equal(pool.restarts.memory, 1);
});

Deno.test("WorkerPool.run() rejects with the reason when an array cannot be had", async () => {
  using pool = openOddPool();
  await assert.rejects(pool.run("fill-buffers"), { name: "RangeError" });
  assert.deepEqual(await pool.run("echo"), { answer: "echo" });
});

Deno.test("WorkerPool.run() tells when the job starts and of its steps", async () => {
  using pool = openOddPool();
  const told: string[] = [];
  const onStart = () => told.push("start");
  await pool.run("steps", { onStart, onStep: (step) => told.push(step) });
  await pool.run("steps", { onStart });
  assert.deepEqual(told, ["start", "one", "two", "start"]);
});

Deno.test("StagePool.ready rejects with the reason when the models cannot be loaded", async () => {
  const nowhere = new StagePool(
    { models: new URL("nowhere/", folder.url), camModel: DEFAULT_CAM_MODEL, device: "cpu" },
    { workers: 2, threads: 1 },
  );
  const waiting = nowhere.run(request());
  await assert.rejects(nowhere.ready, { name: "ModelError", message: /no manifest/ });
  await assert.rejects(waiting, { name: "ModelError" });
  await assert.rejects(nowhere.run(request()), { name: "ModelError" });

  const unknown = new StagePool(
    { models: folder.url, camModel: "other", device: "cpu" },
    { workers: 1, threads: 1 },
  );
  await assert.rejects(unknown.ready, { name: "ModelError", message: /"other".*efficientnet/ });
});

Deno.test("StagePool.ready rejects when a model file is not the manifest's", async () => {
  await using damaged = await makeModelFolder();
  const file = new URL("tiny.onnx", damaged.url);
  const bytes = await Deno.readFile(file);
  bytes[bytes.length - 1]! ^= 1;
  await Deno.writeFile(file, bytes);
  const pool = new StagePool(
    { models: damaged.url, camModel: DEFAULT_CAM_MODEL, device: "cpu" },
    { workers: 1, threads: 1 },
  );
  await assert.rejects(pool.ready, { name: "ModelError", message: /checksum/ });
});

Deno.test({
  name: "StagePool.ready rejects with what to install when there is no CUDA",
  ignore: await hasNvidia(),
  async fn() {
    const pool = new StagePool(
      { models: folder.url, camModel: DEFAULT_CAM_MODEL, device: "cuda" },
      { workers: 1, threads: 1 },
    );
    await assert.rejects(pool.ready, { name: "DeviceError", message: /"cuda".*--device cpu/ });
  },
});

Deno.test("StagePool.close() rejects what starts, waits and runs, and what comes later", async () => {
  const starting = openPool();
  starting.close();
  await assert.rejects(starting.ready, /closed/);

  const pool = openPool();
  await pool.ready;
  const jobs = [pool.run(request()), pool.run(request())];
  pool.close();
  pool.close();
  for (const job of jobs) await assert.rejects(job, /closed/);
  await assert.rejects(pool.run(request()), /closed/);
});

async function hasNvidia(): Promise<boolean> {
  try {
    await Deno.stat("/dev/nvidiactl");
    return true;
  } catch {
    return false;
  }
}
