import assert from "node:assert/strict";
import { enlargeRegions } from "../../kernels/enlarge_regions.ts";
import { resizeImage } from "../../kernels/resize_image.ts";
import { pattern } from "./pattern.ts";

/** A disc on a slope of colour, with noise; and which pixels are in the disc. */
function disc(width: number, height: number) {
  const noise = pattern(3 * width * height, 3);
  const data = new Uint8Array(3 * width * height);
  const inside = new Int32Array(width * height);
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      inside[p] = Number(Math.hypot(x - 0.4 * width, y - 0.55 * height) < 0.3 * height);
      const base = inside[p] ? [190, 60, 50] : [60, 90 + 60 * x / width, 140];
      for (let c = 0; c < 3; c++) data[3 * p + c] = base[c]! + noise[3 * p + c]! / 16;
    }
  }
  return { image: { data, width, height }, inside };
}

function share(found: Int32Array, wanted: Int32Array): number {
  return found.reduce((sum, value, p) => sum + Number(value === wanted[p]), 0) / found.length;
}

Deno.test("enlargeRegions() follows the full image's edges, not the reduced image's pixels", () => {
  const { image, inside } = disc(263, 181);
  const [width, height] = [52, 36];
  const reduced = {
    data: resizeImage(image.data, image.width, image.height, 3, width, height),
    width,
    height,
  };
  // The colours tell the regions of the reduced image; 41 and 7 are names.
  const regions = Int32Array.from(
    { length: width * height },
    (_, p) => reduced.data[3 * p]! > 125 ? 41 : 7,
  );
  const found = enlargeRegions(regions, reduced, image);
  const wanted = inside.map((value) => value ? 41 : 7);
  const nearest = found.map((_, p) => {
    const x = Math.floor((p % image.width + 0.5) * width / image.width);
    const y = Math.floor((Math.floor(p / image.width) + 0.5) * height / image.height);
    return regions[y * width + x]!;
  });
  const wrong = 1 - share(found, wanted);
  assert.ok(wrong < 0.0005, `${wrong} of the pixels are wrong`);
  assert.ok(wrong < (1 - share(nearest, wanted)) / 10, "ten times better than the nearest pixel");
});

Deno.test("enlargeRegions() changes nothing where all colours are equal but the size", () => {
  const regions = Int32Array.of(5, 5, 9, 5, 9, 9);
  const grey = (width: number, height: number) => ({
    data: new Uint8Array(3 * width * height).fill(80),
    width,
    height,
  });
  assert.deepEqual(enlargeRegions(regions, grey(3, 2), grey(3, 2)), regions);
  const large = enlargeRegions(regions, grey(3, 2), grey(6, 4));
  assert.equal(large.length, 24);
  assert.deepEqual([large[0], large[5], large[18], large[23]], [5, 9, 5, 9]);
  const one = enlargeRegions(Int32Array.of(3), grey(1, 1), grey(7, 2));
  assert.deepEqual(one, new Int32Array(14).fill(3));
});

Deno.test("enlargeRegions() refuses arrays that do not fit their sizes", () => {
  const image = { data: new Uint8Array(18), width: 3, height: 2 };
  assert.throws(() => enlargeRegions(new Int32Array(5), image, image), TypeError);
  const short = { ...image, data: new Uint8Array(17) };
  assert.throws(() => enlargeRegions(new Int32Array(6), image, short), TypeError);
});

Deno.test("enlargeRegions() calls the checkpoint after every megapixel, and ends when it throws", () => {
  const large = { width: 2048, height: 1536, data: new Uint8Array(3 * 2048 * 1536) };
  const small = { width: 4, height: 3, data: new Uint8Array(36) };
  let calls = 0;
  const checkpoint = () => {
    if (++calls === 3) throw new DOMException("Cancelled", "AbortError");
  };
  const regions = new Int32Array(12);
  assert.throws(() => enlargeRegions(regions, small, large, checkpoint), { name: "AbortError" });
});
