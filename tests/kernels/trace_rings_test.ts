import assert from "node:assert/strict";
import fc from "fast-check";
import { connectedRegions } from "../../kernels/connected_regions.ts";
import { simplifyRing } from "../../kernels/simplify_ring.ts";
import { traceRings } from "../../kernels/trace_rings.ts";
import { fillRings } from "../helpers/fill_rings.ts";

/** Reads a picture of digits. */
function picture(...rows: string[]) {
  const data = Uint8Array.from(rows.join(""), Number);
  return { width: rows[0]!.length, height: rows.length, data };
}

const masks = fc.integer({ min: 1, max: 13 }).chain(
  (width) =>
    fc.integer({ min: 1, max: 11 }).chain((height) =>
      fc.uint8Array({ minLength: width * height, maxLength: width * height, max: 2 })
        .map((data) => ({ width, height, data }))
    ),
);

Deno.test("traceRings() gives a rectangle its four corners, clockwise on the screen", () => {
  const { data, width, height } = picture("00000", "01110", "01110", "00000");
  const rings = traceRings(data, width, height, 1);
  assert.deepEqual(rings, [
    { points: Int32Array.of(1, 1, 4, 1, 4, 3, 1, 3), doubleArea: 12, pixel: 6 },
  ]);
});

Deno.test("traceRings() gives holes rings of negative area and the region's own pixel", () => {
  const { data, width, height } = picture("1111", "1001", "1111");
  const rings = traceRings(data, width, height, 1);
  assert.deepEqual(rings.map(({ doubleArea }) => doubleArea), [24, -4]);
  const { map } = connectedRegions(data, width, height);
  assert.deepEqual(rings.map(({ pixel }) => map[pixel]), [0, 0]);
});

Deno.test("traceRings() separates pixels that touch at a corner alone", () => {
  const { data, width, height } = picture("10", "01");
  const rings = traceRings(data, width, height, 1);
  assert.deepEqual(rings.map(({ points }) => [...points]), [
    [0, 0, 1, 0, 1, 1, 0, 1],
    [1, 1, 2, 1, 2, 2, 1, 2],
  ]);
});

Deno.test("traceRings() divides a border that comes back to a point", () => {
  // The hole touches the outside at the point (2, 1).
  const { data, width, height } = picture("1101", "1011", "1111");
  const rings = traceRings(data, width, height, 1);
  assert.deepEqual(rings.map(({ doubleArea }) => doubleArea).toSorted((a, b) => a - b), [-2, 22]);
});

Deno.test("traceRings() gives rings that are simple, and fill exactly what they were traced from", () => {
  fc.assert(
    fc.property(masks, ({ width, height, data }) => {
      const rings = traceRings(data, width, height, 1);
      const wanted = data.map((label) => Number(label === 1));
      assert.deepEqual(fillRings(rings.map(({ points }) => points), width, height), wanted);

      const { map } = connectedRegions(data, width, height);
      const regions = new Set(Array.from(map).filter((_, p) => data[p] === 1));
      const outer = rings.filter(({ doubleArea }) => doubleArea > 0);
      assert.deepEqual(new Set(outer.map(({ pixel }) => map[pixel]!)), regions);
      assert.equal(outer.length, regions.size);
      for (const { points } of rings) {
        const seen = new Set<string>();
        for (let i = 0; i < points.length; i += 2) {
          // Every second edge goes along x, the others along y: no three corners are in a line.
          const [x, y] = [points[i]!, points[i + 1]!];
          const before = points.at(i - 2)!;
          const after = points[(i + 2) % points.length]!;
          assert.equal(before === x, after !== x);
          seen.add(`${x},${y}`);
        }
        assert.equal(seen.size, points.length / 2);
      }
    }),
    { seed: 1, numRuns: 1500 },
  );
});

Deno.test("simplifyRing() at tolerance 0 leaves traced rings as they are", () => {
  fc.assert(
    fc.property(masks, ({ width, height, data }) => {
      for (const { points } of traceRings(data, width, height, 1)) {
        assert.deepEqual(simplifyRing(points, 0), points);
      }
    }),
    { seed: 2, numRuns: 200 },
  );
});

Deno.test("simplifyRing() keeps every point within the tolerance of what is left", () => {
  fc.assert(
    fc.property(
      masks,
      fc.double({ min: 0, max: 4, noNaN: true }),
      ({ width, height, data }, tolerance) => {
        for (const { points } of traceRings(data, width, height, 1)) {
          const simple = simplifyRing(points, tolerance);
          assert.ok(simple.length >= 6 && simple.length <= points.length);
          for (let i = 0; i < points.length; i += 2) {
            const distance = distanceTo(simple, points[i]!, points[i + 1]!);
            assert.ok(distance <= tolerance + 1e-9, `${distance} > ${tolerance}`);
          }
        }
      },
    ),
    { seed: 3, numRuns: 500 },
  );
});

Deno.test("simplifyRing() makes a staircase straight", () => {
  const steps = 20;
  const data = Uint8Array.from(
    { length: steps * steps },
    (_, p) => Number(p % steps <= Math.floor(p / steps)),
  );
  const [ring] = traceRings(data, steps, steps, 1);
  assert.equal(ring!.points.length / 2, 2 * steps + 2);
  assert.ok(simplifyRing(ring!.points, 0.8).length / 2 <= 5);
});

Deno.test("simplifyRing() refuses what is no ring, and no tolerance", () => {
  assert.throws(() => simplifyRing(Int32Array.of(0, 0, 1, 1), 1), TypeError);
  const square = Int32Array.of(0, 0, 1, 0, 1, 1, 0, 1);
  for (const tolerance of [-1, NaN]) {
    assert.throws(() => simplifyRing(square, tolerance), RangeError);
  }
  assert.deepEqual(simplifyRing(square, 100), square);
});

/** Distance of a point to a closed ring. */
function distanceTo(ring: Int32Array, x: number, y: number): number {
  let least = Infinity;
  for (let i = 0; i < ring.length; i += 2) {
    const [ax, ay] = [ring[i]!, ring[i + 1]!];
    const [dx, dy] = [ring[(i + 2) % ring.length]! - ax, ring[(i + 3) % ring.length]! - ay];
    const along = ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy);
    const share = Math.min(1, Math.max(0, along));
    least = Math.min(least, Math.hypot(x - ax - share * dx, y - ay - share * dy));
  }
  return least;
}
