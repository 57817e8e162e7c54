/**
 * Reads what PyTorch's `torch.save` writes, without Python: today's ZIP format and the format
 * before PyTorch 1.6 (several pickles, then the raw storages).
 */

import { DecodeError, LimitError, UnsupportedFormatError } from "../errors.ts";
import { listZip, readZipEntry, type ZipEntry } from "../zip.ts";
import { type PickleGlobal, readPickle } from "./pickle.ts";
import type { WeightTensor } from "./tensor.ts";
import { TorchHost } from "./torch_host.ts";

/** Anything a checkpoint can hold. Tuples and lists are arrays, dictionaries are `Map`. */
export type CheckpointValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | WeightTensor
  | PickleGlobal
  | CheckpointValue[]
  | Map<CheckpointValue, CheckpointValue>;

/** Limits of `readCheckpoint`. */
export interface ReadCheckpointOptions {
  /** Largest pickle inside a ZIP checkpoint, in bytes. Default 64 MiB. */
  readonly maxPickleBytes?: number;
  /** Most steps a pickle may take. Default 2 000 000; a network of 1000 tensors takes 60 000. */
  readonly maxOperations?: number;
}

const DEFAULT_MAX_PICKLE_BYTES = 64 * 2 ** 20;
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_PROTOCOL = 1001;

/**
 * The object saved in a `.pth` file: most often a `Map` from names to tensors, or a `Map` that
 * holds one (see `pickStateDict`). No code in the file runs; a file that asks for any is refused.
 *
 * Tensors look their values up when first read, most of them as views of `bytes`: keep the array
 * unchanged as long as they are in use.
 *
 * @throws {UnsupportedFormatError} when the bytes are no checkpoint, or a TorchScript archive.
 * @throws {DecodeError} when the file is damaged, or mentions a global that is not allowed.
 * @throws {LimitError} when it needs more than the limits allow.
 */
export function readCheckpoint(
  bytes: Uint8Array,
  options: ReadCheckpointOptions = {},
): CheckpointValue {
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return readZipCheckpoint(bytes, options);
  // Every pickle since protocol 2 starts with the opcode PROTO.
  if (bytes[0] === 0x80) return readLegacyCheckpoint(bytes, options);
  throw new UnsupportedFormatError(
    "Cannot read checkpoint: not a file written by torch.save (neither ZIP nor pickle)",
  );
}

function newHost(bytes: Uint8Array, options: ReadCheckpointOptions): TorchHost {
  return new TorchHost(memoryBudget(bytes), options.maxOperations);
}

/** Bytes that inflating may take, and gathering: some way beyond what honest files need. */
function memoryBudget(bytes: Uint8Array): number {
  return 4 * bytes.length + 64 * 2 ** 20;
}

function readZipCheckpoint(bytes: Uint8Array, options: ReadCheckpointOptions): CheckpointValue {
  const { maxPickleBytes = DEFAULT_MAX_PICKLE_BYTES } = options;
  const listed = listZip(bytes, { maxBytes: memoryBudget(bytes) });
  const entries = new Map(listed.map((entry) => [entry.name, entry]));
  const root = findRoot(entries);

  const pickleEntry = entries.get(`${root}data.pkl`)!;
  if (pickleEntry.size > maxPickleBytes) {
    throw new LimitError(
      `Cannot read checkpoint: its pickle is ${pickleEntry.size} bytes, limit is ${maxPickleBytes}`,
    );
  }
  const host = newHost(bytes, options);
  const { value } = readPickle(readZipEntry(bytes, pickleEntry), 0, host);

  const order = entries.get(`${root}byteorder`);
  const bigEndian = order !== undefined &&
    new TextDecoder().decode(readZipEntry(bytes, order)) === "big";
  for (const [key, storage] of host.storages) {
    const entry = entries.get(`${root}data/${key}`);
    if (entry === undefined) throw damaged("a storage is missing");
    if (entry.size !== storage.byteLength) {
      throw damaged(`a storage has ${entry.size} bytes, not ${storage.byteLength}`);
    }
    storage.attach(readZipEntry(bytes, entry), bigEndian);
  }
  return value as CheckpointValue;
}

/** The folder that holds everything, with its slash; it is named after the file that was saved. */
function findRoot(entries: ReadonlyMap<string, ZipEntry>): string {
  const roots: string[] = [];
  for (const name of entries.keys()) {
    const match = /^([^/]+\/)?data\.pkl$/.exec(name);
    if (match !== null) roots.push(match[1] ?? "");
  }
  const root = roots[0];
  if (root === undefined) {
    throw new UnsupportedFormatError("Cannot read checkpoint: the ZIP archive has no data.pkl");
  }
  if (roots.length > 1) throw damaged("the ZIP archive has several data.pkl");
  if (entries.has(`${root}constants.pkl`)) {
    throw new UnsupportedFormatError(
      "Cannot read checkpoint: a TorchScript archive; save the network's state_dict() instead",
    );
  }
  return root;
}

function readLegacyCheckpoint(bytes: Uint8Array, options: ReadCheckpointOptions): CheckpointValue {
  const host = newHost(bytes, options);
  let at = 0;
  const next = (): unknown => {
    const { value, end } = readPickle(bytes, at, host);
    at = end;
    return value;
  };
  if (next() !== LEGACY_MAGIC) {
    throw new UnsupportedFormatError(
      "Cannot read checkpoint: a pickle, but not one written by torch.save",
    );
  }
  const protocol = next();
  if (protocol !== LEGACY_PROTOCOL) throw damaged("its format has another version than 1001");
  const system = next();
  const bigEndian = system instanceof Map && system.get("little_endian") === false;
  const value = next();
  const keys = next();
  if (!Array.isArray(keys)) throw damaged("the list of its storages is missing");

  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const key of keys) {
    const storage = host.storages.get(key);
    if (storage === undefined || storage.attached) throw damaged("it lists an unknown storage");
    if (at + 8 > bytes.length) throw damaged("it is cut off");
    const length = Number(view.getBigUint64(at, !bigEndian));
    at += 8;
    if (length !== storage.length) {
      throw damaged(`a storage has ${length} elements, not ${storage.length}`);
    }
    const end = at + storage.byteLength;
    if (end > bytes.length) throw damaged("it is cut off");
    storage.attach(bytes.subarray(at, end), bigEndian);
    at = end;
  }
  for (const storage of host.storages.values()) {
    if (!storage.attached) throw damaged("a storage is missing");
  }
  return value as CheckpointValue;
}

function damaged(what: string): DecodeError {
  return new DecodeError(`Cannot read checkpoint: ${what}`);
}
