import assert from "node:assert/strict";
import { chooseRepresentation } from "../../functions/respond.ts";

Deno.test("chooseRepresentation() follows Accept when no format is named", () => {
  const cases: [accept: string | null, mediaType: string][] = [
    [null, "application/json"],
    ["", "application/json"],
    ["*/*", "application/json"],
    ["application/json", "application/json"],
    ["image/png", "image/png"],
    ["IMAGE/PNG", "image/png"],
    ["image/*", "image/png"],
    ["application/*", "application/json"],
    ["application/x-npz", "application/x-npz"],
    ["application/octet-stream", "application/octet-stream"],
    ["image/avif,image/webp,image/png,*/*;q=0.8", "image/png"],
    ["application/json;q=0.5, image/png;q=0.6", "image/png"],
    ["application/json;q=0, */*", "image/png"],
    ["*/*;q=0.1, application/x-npz;q=0.2", "application/x-npz"],
    ["text/html, application/*;q=0.3", "application/json"],
  ];
  for (const [accept, mediaType] of cases) {
    assert.equal(
      chooseRepresentation("segment", undefined, accept).mediaType,
      mediaType,
      `${accept}`,
    );
  }
});

Deno.test("chooseRepresentation() throws status 406 when nothing fits", () => {
  for (const accept of ["text/html", "image/webp", "*/*;q=0", "image/png;q=0"]) {
    assert.throws(
      () => chooseRepresentation("segment", undefined, accept),
      { status: 406 },
      accept,
    );
  }
});

Deno.test("chooseRepresentation() takes the format named where Accept leaves it", () => {
  assert.deepEqual(chooseRepresentation("segment", "overlay", "image/*"), {
    format: "overlay",
    mediaType: "image/png",
  });
  assert.equal(chooseRepresentation("cam", "npz", null).mediaType, "application/x-npz");
  const octets = "application/octet-stream, */*;q=0.1";
  assert.equal(chooseRepresentation("cam", "npz", octets).mediaType, "application/octet-stream");
});

Deno.test("chooseRepresentation() throws status 406 when format and Accept disagree", () => {
  const disagree = () => chooseRepresentation("segment", "overlay", "application/json");
  assert.throws(disagree, { status: 406, message: /format=overlay.*image\/png/ });
});
