import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  ModelProtoSchema,
  TensorProto_DataType,
  TensorProtoSchema,
} from "../../../core/onnx/onnx_pb.ts";
import {
  decodeModel,
  encodeModel,
  readInitializers,
  readMetadata,
  writeMetadata,
} from "../../../core/onnx/model.ts";
import {
  decodeTensor,
  encodeTensor,
  tensorData,
  toFloat16,
  toFloat32,
  toNumbers,
} from "../../../core/onnx/tensor_data.ts";
import { GraphBuilder } from "../../../core/onnx/graph_builder.ts";
import { run } from "./session.ts";

Deno.test("decodeModel() reads what encodeModel() wrote, and metadata can be replaced", () => {
  const g = new GraphBuilder();
  const w = g.initializer("w", new Float32Array([1, 2, 3, 4, 5, 6]), [2, 3]);
  g.output("y", g.add(g.input("x", "float32", ["N", 3]), g.reduceMax(w, [0])));
  const model = decodeModel(g.build({ metadata: { a: "1", b: "2" }, description: "two words" }));
  writeMetadata(model, { b: "3", c: "ü" });
  const again = decodeModel(encodeModel(model));
  assert.deepEqual(readMetadata(again), { a: "1", b: "3", c: "ü" });
  assert.equal(again.docString, "two words");
  const found = readInitializers(again).get("w")!;
  assert.deepEqual([found.shape, toNumbers(found)], [[2, 3], [1, 2, 3, 4, 5, 6]]);
});

Deno.test("decodeModel() throws ModelError when bytes are not a model", () => {
  for (const bytes of [[], [1, 2, 3, 4, 5], [0xff, 0xff, 0xff, 0xff]]) {
    assert.throws(() => decodeModel(Uint8Array.from(bytes)), { name: "ModelError" });
  }
  const empty = toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 10n }));
  assert.throws(() => decodeModel(empty), { name: "ModelError" });
});

Deno.test("toFloat16() rounds to the nearest, ties to even, and overflows from 65520 on", () => {
  const pairs = [
    [1 + 2 ** -11, 1],
    [1 + 3 * 2 ** -11, 1 + 2 ** -9],
    [1 + 2 ** -11 + 2 ** -20, 1 + 2 ** -10],
    [-65519, -65504],
    [65520, Infinity],
    [2 ** -25, 0],
    [3 * 2 ** -26, 2 ** -24],
    [0.1, 0.0999755859375],
  ] as const;
  const half = toFloat16(tensorData(Float32Array.from(pairs, ([value]) => value), [8]));
  assert.equal(half.dtype, "float16");
  assert.deepEqual([...toFloat32(half)], pairs.map(([, wanted]) => wanted));
});

Deno.test("fp16 storage halves the file and the runtime sees the rounded weights", async () => {
  const weights = Float32Array.from({ length: 4000 }, (_, at) => Math.sin(at));
  const build = (storage?: "fp16") => {
    const g = new GraphBuilder();
    const w = g.constant(weights, [4000], { storage });
    g.output("y", g.mul(g.input("x", "float32", []), w));
    return g.build();
  };
  const [full, half] = [build(), build("fp16")];
  assert.ok(half.length < full.length / 2 + 200, `${half.length} of ${full.length} bytes`);
  const { y } = await run(half, { x: { data: [1], shape: [] } });
  assert.deepEqual(y!.data, new Float32Array(new Float16Array(weights)));
});

Deno.test("decodeTensor() reads every storage form of the format", () => {
  const { FLOAT, DOUBLE, INT64, INT32, BOOL, FLOAT16 } = TensorProto_DataType;
  const forms = [
    [{ dataType: FLOAT, floatData: [1.5, -2] }, [1.5, -2]],
    [{ dataType: DOUBLE, doubleData: [1.25, -2] }, [1.25, -2]],
    [{ dataType: INT64, int64Data: [-1n, 7n] }, [-1, 7]],
    [{ dataType: INT32, int32Data: [-1, 7] }, [-1, 7]],
    [{ dataType: BOOL, int32Data: [1, 0] }, [1, 0]],
    [{ dataType: FLOAT16, int32Data: [0x3c00, 0xc000] }, [1, -2]],
    [{ dataType: FLOAT, rawData: new Uint8Array([0, 0, 128, 63, 0, 0, 0, 64]) }, [1, 2]],
  ] as const;
  for (const [fields, wanted] of forms) {
    const proto = create(TensorProtoSchema, { dims: [2n], ...fields } as never);
    assert.deepEqual(toNumbers(decodeTensor(proto)), [...wanted]);
  }
  const ints = tensorData([1, -2, 3], [3], "int64");
  assert.deepEqual(decodeTensor(encodeTensor(ints)), ints);
});

Deno.test("decodeTensor() throws when elements and sizes disagree or a type is not used here", () => {
  const short = create(TensorProtoSchema, { name: "w", dims: [3n], dataType: 1, floatData: [1] });
  assert.throws(() => decodeTensor(short), {
    name: "SyntaxError",
    message: 'Cannot read tensor "w": 1 elements for shape [3]',
  });
  const odd = create(TensorProtoSchema, { dims: [1n], dataType: 1, rawData: new Uint8Array(3) });
  assert.throws(() => decodeTensor(odd), SyntaxError);
  const complex = create(TensorProtoSchema, { dims: [], dataType: 14 });
  assert.throws(() => decodeTensor(complex), /COMPLEX64/);
  assert.throws(() => tensorData([1, 2], [3]), /Cannot shape 2 elements as \[3\]/);
  assert.throws(() => tensorData(new Float32Array(2), [2], "int64"), /float32 elements as int64/);
});
