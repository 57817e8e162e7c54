/**
 * Writes tensors as `torch.save` would write a network's `state_dict()`: a ZIP archive of one pickle and
 * the values, which `torch.load` reads, with `weights_only` too.
 */

import { encodeZip } from "../zip.ts";
import { PickleWriter } from "./pickle_writer.ts";
import type { StateDict } from "./state_dict.ts";
import { rowMajorStrides, type WeightDtype, type WeightTensor } from "./tensor.ts";

/** PyTorch's classes of storages. */
const STORAGE_CLASSES: Readonly<Record<WeightDtype, string>> = {
  float32: "FloatStorage",
  float64: "DoubleStorage",
  float16: "HalfStorage",
  bfloat16: "BFloat16Storage",
  int64: "LongStorage",
  int32: "IntStorage",
  int16: "ShortStorage",
  int8: "CharStorage",
  uint8: "ByteStorage",
  bool: "BoolStorage",
};

/**
 * A `.pth` file of a dictionary of tensors, in their order; the same tensors give the same bytes. A
 * tensor under several names (the same object, or another of the same values in memory) is stored once,
 * and PyTorch shares it again.
 *
 * @throws {RangeError} when the file would reach 4 GiB.
 */
export function writeCheckpoint(tensors: StateDict): Uint8Array {
  const keys = new Map<ArrayBufferLike, Map<string, number>>();
  const storages: Uint8Array[] = [];
  const pickle = new PickleWriter(2);
  emptyDict(pickle);
  pickle.opcodes("(");
  for (const [name, tensor] of tensors) {
    const { data: values } = tensor;
    const sameBuffer = keys.get(values.buffer) ?? new Map<string, number>();
    keys.set(values.buffer, sameBuffer);
    const place = `${values.byteOffset}+${values.byteLength} ${tensor.dtype}`;
    let key = sameBuffer.get(place);
    if (key === undefined) {
      key = storages.length;
      sameBuffer.set(place, key);
      storages.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    }
    writeTensor(pickle, name, tensor, String(key));
  }
  pickle.opcodes("u");
  const utf8 = new TextEncoder();
  return encodeZip({
    "archive/data.pkl": pickle.finish(),
    "archive/byteorder": utf8.encode("little"),
    ...Object.fromEntries(storages.map((bytes, key) => [`archive/data/${key}`, bytes])),
    "archive/version": utf8.encode("3\n"),
  });
}

/** An OrderedDict of nothing, to be filled. */
function emptyDict(pickle: PickleWriter): void {
  pickle.sharedGlobal("collections", "OrderedDict");
  pickle.opcodes(")R");
}

/** An entry of the dictionary; `key` names the storage, which the tensor fills. */
function writeTensor(
  pickle: PickleWriter,
  name: string,
  { shape, dtype, data }: WeightTensor,
  key: string,
): void {
  pickle.text(name);
  pickle.sharedGlobal("torch._utils", "_rebuild_tensor_v2");
  pickle.opcodes("((");
  pickle.text("storage");
  pickle.sharedGlobal("torch", STORAGE_CLASSES[dtype]);
  pickle.text(key);
  pickle.text("cpu");
  pickle.integer(data.length);
  pickle.opcodes("tQ");
  pickle.integer(0);
  pickle.integers(shape);
  pickle.integers(rowMajorStrides(shape));
  pickle.opcodes("\x89");
  emptyDict(pickle);
  pickle.opcodes("tR");
}
