import assert from "node:assert/strict";
import { LimitError } from "../../core/errors.ts";
import { readImage } from "../../functions/body.ts";

/** A request whose body comes in chunks of 1, 2, 3, … bytes. */
function inChunks(bytes: Uint8Array<ArrayBuffer>): Request {
  let at = 0;
  let length = 0;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      controller.enqueue(bytes.slice(at, at + ++length));
      at += length;
      if (at >= bytes.length) controller.close();
    },
  });
  return new Request("http://localhost", { method: "POST", body });
}

const BYTES = Uint8Array.from({ length: 150_001 }, (_, i) => i * i >> 5);

Deno.test("readImage() joins chunks of any length, up to as many bytes as allowed", async () => {
  for (const maxBytes of [BYTES.length, 2 * BYTES.length]) {
    const image = await readImage(inChunks(BYTES), maxBytes);
    assert.deepEqual(image, BYTES);
    // Nothing else is held by it, or sent along with it to a worker.
    assert.equal(image.buffer.byteLength, BYTES.length);
  }
  await assert.rejects(readImage(inChunks(BYTES), BYTES.length - 1), LimitError);
  assert.deepEqual(await readImage(inChunks(BYTES.slice(0, 7)), 7), BYTES.slice(0, 7));
});

Deno.test("readImage() allows the image of a form as many bytes as one that comes alone", async () => {
  const form = new FormData();
  form.set("comment", "x".repeat(1000));
  form.set("image", new Blob([BYTES]));
  const post = () => new Request("http://localhost", { method: "POST", body: form });
  const image = await readImage(post(), BYTES.length);
  assert.deepEqual(new Uint8Array(image), BYTES);
  await assert.rejects(
    readImage(post(), BYTES.length - 1),
    new LimitError("Cannot read image: it has 150001 bytes, limit is 150000"),
  );
});
