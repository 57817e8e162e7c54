import assert from "node:assert/strict";
import fc from "fast-check";
import { imageIds } from "../../../core/data/image_ids.ts";
import { isPlainName } from "../../../core/voc/folder.ts";

Deno.test("imageIds() keeps plain names and tells folders apart from underscores", () => {
  const paths = ["cat.jpg", "2007_000032.png", "a/b.jpg", "größe/ж.tif"];
  assert.deepEqual(imageIds(paths), ["cat", "2007_000032", "a__b", "größe__ж"]);
  const [id, ...none] = imageIds(["a__b.jpg"]);
  assert.match(id!, /^a__b-[0-9a-f]{8}$/);
  assert.equal(none.length, 0);
});

Deno.test("imageIds() marks what it had to change or had before, whatever follows", () => {
  const paths = ["my cat.jpg", "x.jpg", "x.png", "X.jpg", "../up.jpg", "nul.jpg", ".hidden.jpg"];
  const ids = imageIds(paths);
  const digest = "-[0-9a-f]{8}$";
  const expected = ["^my_cat", "^x$", "^x", "^X", "^_\\.__up", "^nul", "^_hidden"];
  expected.forEach((start, i) => {
    assert.match(ids[i]!, new RegExp(start.endsWith("$") ? start : start + digest));
  });
  assert.deepEqual(imageIds(paths.slice(0, 3)), ids.slice(0, 3));
});

Deno.test("imageIds() gives different plain names to different paths, of any kind", () => {
  const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 200 });
  const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
  fc.assert(
    fc.property(fc.uniqueArray(path, { maxLength: 20 }), (paths) => {
      const ids = imageIds(paths);
      assert.equal(new Set(ids.map((id) => id.toLowerCase())).size, paths.length);
      for (const id of ids) {
        assert.ok(isPlainName(id) && !/[\s:*?"<>|-]/u.test(id[0]!), id);
        assert.ok(new TextEncoder().encode(id).length <= 170, id);
      }
    }),
    { seed: 1, numRuns: 300 },
  );
});
