import assert from "node:assert/strict";
import { decodeNpz } from "../../core/npz.ts";
import { Mt19937 } from "../../kernels/mt19937.ts";
import { Pcg64 } from "../../kernels/pcg64.ts";
import { kaimingUniform, sequentialParameters } from "../../kernels/pytorch_init.ts";
import { ussLayers } from "./uss_layers.ts";

const fixture = (name: string) =>
  decodeNpz(Deno.readFileSync(new URL(`../fixtures/random/${name}.npz`, import.meta.url)));
const SEEDS = [0, 42, 4294967295];
const draw = (count: number, next: () => number) => Array.from({ length: count }, next);

const pcg64 = fixture("pcg64");
for (const seed of SEEDS) {
  Deno.test(`Pcg64 draws NumPy's numbers when seeded with ${seed}`, () => {
    const uniform = new Pcg64(seed);
    assert.deepEqual(
      Float64Array.from(draw(50, () => uniform.uniform())),
      pcg64[`uniform_${seed}`]!.data,
    );
    const normal = new Pcg64(seed);
    const deviates = draw(200_000, () => normal.normal());
    (pcg64[`first_${seed}`]!.data as Float64Array).forEach((wanted, i) => {
      assert.ok(Math.abs(deviates[i]! - wanted) < 1e-12, `[${i}]: ${deviates[i]}, not ${wanted}`);
    });
    // One number too many or too few from the tail or a rejection, and every later one differs.
    const sum = deviates.reduce((total, value) => total + value, 0);
    assert.ok(Math.abs(sum - (pcg64[`sum_${seed}`]!.data as Float64Array)[0]!) < 1e-8);
  });
}

const mt19937 = fixture("mt19937");
for (const seed of SEEDS) {
  Deno.test(`Mt19937 draws NumPy's and PyTorch's numbers when seeded with ${seed}`, () => {
    for (const limit of [1, 2, 255, 256, 1000]) {
      const generator = new Mt19937(seed);
      const drawn = Int32Array.from(draw(700, () => generator.integer(limit)));
      assert.deepEqual(drawn, mt19937[`below_${limit}_${seed}`]!.data, `below ${limit}`);
    }
    const generator = new Mt19937(seed);
    const drawn = Float32Array.from(draw(700, () => generator.uniformFloat32(0, 1)));
    assert.deepEqual(drawn, mt19937[`torch_${seed}`]!.data);
  });
}

Deno.test("Mt19937 and Pcg64 throw RangeError when the seed is no 32-bit whole number", () => {
  for (const seed of [-1, 0.5, 2 ** 32, NaN]) {
    assert.throws(() => new Mt19937(seed), RangeError);
    assert.throws(() => new Pcg64(seed), RangeError);
  }
});

Deno.test("sequentialParameters() equals PyTorch bit for bit, with groups and without a bias", () => {
  const layers = fixture("layers");
  const parameters = sequentialParameters([
    { type: "conv2d", inChannels: 3, outChannels: 10, kernelSize: 3 },
    { type: "batch_norm", channels: 10 },
    { type: "relu" },
    { type: "conv2d", inChannels: 10, outChannels: 7, kernelSize: 1, bias: false },
    { type: "conv2d", inChannels: 7, outChannels: 14, kernelSize: 5, groups: 7 },
  ], 7);
  assert.deepEqual([...parameters.keys()].sort(), Object.keys(layers).sort());
  for (const [name, { shape, data }] of parameters) {
    assert.deepEqual(shape, layers[name]!.shape, name);
    assert.deepEqual(data, layers[name]!.data, name);
  }
});

Deno.test("sequentialParameters() gives the published network's weights when the seed is 43", async () => {
  const parameters = sequentialParameters(ussLayers, 43);
  const bytes = new Uint8Array(
    await new Blob(
      [...parameters.values()].map(({ data }) => data as Float32Array<ArrayBuffer>),
    ).arrayBuffer(),
  );
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  // SHA-256 of the published initial weights, tensors in the order of the layers.
  assert.equal(digest, "060d628a9d205ccc443b380b13fe5124ffedefa34b40d9f410b80013fb6843b2");
});

Deno.test("sequentialParameters() throws RangeError when a size is wrong", () => {
  const conv = { type: "conv2d", inChannels: 4, outChannels: 4, kernelSize: 3 } as const;
  assert.throws(() => sequentialParameters([{ ...conv, inChannels: 0 }], 1), RangeError);
  assert.throws(() => sequentialParameters([{ ...conv, kernelSize: 1.5 }], 1), RangeError);
  assert.throws(() => sequentialParameters([{ ...conv, groups: 3 }], 1), RangeError);
  assert.throws(() => sequentialParameters([{ type: "batch_norm", channels: -1 }], 1), RangeError);
});

Deno.test("kaimingUniform() stays inside gain·√(3 / fan in)", () => {
  const values = kaimingUniform(new Mt19937(1), [50, 8, 3, 3], 1);
  const bound = Math.fround(Math.sqrt(3 / 72));
  const largest = values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  assert.ok(largest <= bound && largest > 0.99 * bound, `${largest} of ${bound}`);
});
