import assert from "node:assert/strict";
import { readBatchNote, readEventNote, readJobNote } from "../../../core/queue/messages.ts";
import { probeRounding } from "../../../core/queue/rounding.ts";
import { hideSecrets, Queue } from "../../../core/queue/queue.ts";

Deno.test("Queue.open() refuses what is no address, and tells no password", async () => {
  const addresses = [
    "127.0.0.1:4222",
    "http://a:1",
    "nats://",
    "nats://a:1/b",
    "nats://u:secret@a:1/b",
  ];
  for (const address of addresses) {
    await assert.rejects(Queue.open(address, "test"), (error: Error) => {
      assert.ok(error instanceof RangeError, address);
      assert.match(error.message, /is no address such as nats:\/\/127\.0\.0\.1:4222$/);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  }
  assert.equal(hideSecrets("nats://user:secret@host:1"), "nats://…@host:1");
});

Deno.test("Queue.open() tells that there is no server", async () => {
  const name = "QueueError";
  const message = /Cannot use the queue nats:\/\/…@127\.0\.0\.1:1:/;
  await assert.rejects(Queue.open("nats://me:secret@127.0.0.1:1", "test"), { name, message });
});

Deno.test("readJobNote(), readEventNote() and readBatchNote() take nothing they do not know", () => {
  const job = { id: "a", stamp: "s", in: { photo: "7" }, inputs: { photo: { path: "/a.jpg" } } };
  assert.deepEqual(readJobNote(JSON.stringify(job)), job);
  for (const [name, value] of [["id", 7], ["inputs", { photo: {} }], ["in", null]] as const) {
    assert.equal(readJobNote(JSON.stringify({ ...job, [name]: value })), null, name);
  }
  assert.equal(readJobNote("{"), null);
  const begun = { kind: "begun", worker: "w", id: "a" };
  assert.deepEqual(readEventNote(JSON.stringify(begun)), begun);
  assert.equal(readEventNote(JSON.stringify({ ...begun, kind: "eaten" })), null);

  const batch = {
    version: 1,
    batch: "cam_1",
    run: "/run",
    task: "cam",
    module: "cam",
    options: {},
    madeWith: { silop: "1" },
    stamp: "s",
    surroundings: { models: [null], threads: 1 },
    outputs: { cam: { folder: "/run/cam", ending: ".npz", madeBy: "cam" } },
    results: "folder",
    images: 3,
    begun: 1,
    ackWait: 30_000,
    deliveries: 3,
    state: "open",
  };
  assert.deepEqual(readBatchNote(JSON.stringify(batch)), batch);
  // No module but those beside the tasks can be named, and no other version is guessed at.
  for (const module of ["../../evil", "/tmp/evil", "http://evil/x", ""]) {
    assert.equal(readBatchNote(JSON.stringify({ ...batch, module })), null, module);
  }
  assert.equal(readBatchNote(JSON.stringify({ ...batch, version: 2 })), null);
});

Deno.test("probeRounding() gives the same digest every time", async () => {
  const digest = await probeRounding(1);
  assert.match(digest, /^[0-9a-f]{8}$/);
  assert.equal(await probeRounding(1), digest);
});
