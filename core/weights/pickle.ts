/**
 * A restricted reader of Python pickles: the part of the language that `torch.save` writes, and
 * nothing that could run code.
 *
 * A pickle is a program for a small stack machine, and files of weights come from strangers. This
 * machine therefore knows the binary opcodes of protocols 1 to 5 that build plain data, and calls
 * only functions which its host lists by name. It builds dictionaries as `Map` (a key `__proto__`
 * is a key like any other), reads no length it cannot see in the file, keeps no recursion, and
 * counts its steps. The npm package pickleparser was measured against the same tasks first: it
 * cannot read PyTorch's 10-byte magic number, reads -1 as 255, sets object properties from the
 * file (`length` of an array, the prototype of a `Map`), and takes minutes over one long integer
 * of 2 MB.
 *
 * Opcodes follow CPython's Lib/pickletools.py.
 */

import { DecodeError, LimitError } from "../errors.ts";

/** A Python class or function that the host allows a pickle to mention. */
export class PickleGlobal {
  /**
   * @param name Full dotted name, for messages.
   * @param call What applying it to arguments gives; absent where the name may only be mentioned
   *   (PyTorch's storage classes are).
   */
  constructor(
    readonly name: string,
    readonly call?: (args: readonly unknown[]) => unknown,
  ) {}
}

/** What the surroundings of a pickle supply. */
export interface PickleHost {
  /** The meaning of `module.name`, or `undefined` to refuse it. */
  resolveGlobal(module: string, name: string): PickleGlobal | undefined;
  /** The object a persistent id stands for. */
  resolvePersistentId(id: unknown): unknown;
  /** Whether `BUILD` may hang attributes on this object. They are dropped, never applied. */
  ignoresState(value: unknown): boolean;
  /**
   * Gives an object the state that `BUILD` has for it, where the host knows what it means. Returns
   * whether it did. Default: no object has any.
   */
  setState?(value: unknown, state: unknown): boolean;
  /** The most opcodes one pickle may take. Default 2 000 000, some 400 MB of empty dictionaries. */
  readonly maxOperations?: number;
}

/** A value and the offset of the first byte behind its pickle. */
export interface PickleResult {
  readonly value: unknown;
  readonly end: number;
}

const DEFAULT_MAX_OPERATIONS = 2_000_000;

/** Opcodes refused on sight; named so that the message says what the file tried. */
const REFUSED: ReadonlyMap<number, string> = new Map([
  [0x6f, "OBJ"],
  [0x81, "NEWOBJ"],
  [0x92, "NEWOBJ_EX"],
  [0x82, "EXT1"],
  [0x83, "EXT2"],
  [0x84, "EXT4"],
  [0x50, "PERSID"],
  [0x97, "NEXT_BUFFER"],
  [0x98, "READONLY_BUFFER"],
]);

/**
 * Reads the pickle that starts at `offset`. Tuples and lists become arrays, dictionaries `Map`,
 * bytes views into `bytes`, integers beyond 2^53 `bigint`.
 *
 * @throws {DecodeError} when the bytes are damaged, or mention a global or use an opcode that is
 *   not allowed.
 * @throws {LimitError} when the pickle takes more than `host.maxOperations` steps.
 */
export function readPickle(bytes: Uint8Array, offset: number, host: PickleHost): PickleResult {
  return new PickleMachine(bytes, offset, host).run();
}

class PickleMachine {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #host: PickleHost;
  readonly #maxOperations: number;
  readonly #memo = new Map<number, unknown>();
  readonly #utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  readonly #latin1 = new TextDecoder("latin1");
  /** Stacks below the innermost MARK. */
  readonly #below: unknown[][] = [];
  #stack: unknown[] = [];
  #position: number;

  constructor(bytes: Uint8Array, offset: number, host: PickleHost) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#host = host;
    this.#maxOperations = host.maxOperations ?? DEFAULT_MAX_OPERATIONS;
    this.#position = offset;
  }

  run(): PickleResult {
    for (let step = 0; step < this.#maxOperations; step++) {
      const opcode = this.#uint8();
      if (opcode === 0x2e) { // STOP
        return { value: this.#pop(), end: this.#position };
      }
      this.#execute(opcode);
    }
    throw new LimitError(
      `Cannot read checkpoint: its pickle takes more than ${this.#maxOperations} steps`,
    );
  }

  #execute(opcode: number): void {
    switch (opcode) {
      case 0x80: { // PROTO
        const version = this.#uint8();
        if (version > 5) throw this.#damaged(`unknown pickle protocol ${version}`);
        return;
      }
      case 0x95: // FRAME: a hint for buffered readers
        this.#take(8);
        return;

      case 0x28: // MARK
        this.#below.push(this.#stack);
        this.#stack = [];
        return;
      case 0x31: // POP_MARK
        this.#popToMark();
        return;
      case 0x30: // POP
        this.#pop();
        return;
      case 0x32: // DUP
        return this.#push(this.#top());

      case 0x71: // BINPUT
        this.#memo.set(this.#uint8(), this.#top());
        return;
      case 0x72: // LONG_BINPUT
        this.#memo.set(this.#uint32(), this.#top());
        return;
      case 0x94: // MEMOIZE
        this.#memo.set(this.#memo.size, this.#top());
        return;
      case 0x68: // BINGET
        return this.#push(this.#recall(this.#uint8()));
      case 0x6a: // LONG_BINGET
        return this.#push(this.#recall(this.#uint32()));

      case 0x4e: // NONE
        return this.#push(null);
      case 0x88: // NEWTRUE
        return this.#push(true);
      case 0x89: // NEWFALSE
        return this.#push(false);
      case 0x4b: // BININT1
        return this.#push(this.#uint8());
      case 0x4d: // BININT2
        return this.#push(this.#view.getUint16(this.#take(2), true));
      case 0x4a: // BININT
        return this.#push(this.#view.getInt32(this.#take(4), true));
      case 0x8a: // LONG1
        return this.#push(this.#long(this.#uint8()));
      case 0x8b: // LONG4
        return this.#push(this.#long(this.#uint32()));
      case 0x47: // BINFLOAT
        return this.#push(this.#view.getFloat64(this.#take(8), false));

      case 0x58: // BINUNICODE
        return this.#push(this.#text(this.#utf8, this.#uint32()));
      case 0x8c: // SHORT_BINUNICODE
        return this.#push(this.#text(this.#utf8, this.#uint8()));
      case 0x8d: // BINUNICODE8
        return this.#push(this.#text(this.#utf8, this.#uint64()));
      case 0x54: // BINSTRING, Python 2's str
        return this.#push(this.#text(this.#latin1, this.#uint32()));
      case 0x55: // SHORT_BINSTRING
        return this.#push(this.#text(this.#latin1, this.#uint8()));
      case 0x42: // BINBYTES
        return this.#push(this.#slice(this.#uint32()));
      case 0x43: // SHORT_BINBYTES
        return this.#push(this.#slice(this.#uint8()));
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        return this.#push(this.#slice(this.#uint64()));

      case 0x29: // EMPTY_TUPLE
      case 0x5d: // EMPTY_LIST
        return this.#push([]);
      case 0x85: // TUPLE1
        return this.#pushTuple(1);
      case 0x86: // TUPLE2
        return this.#pushTuple(2);
      case 0x87: // TUPLE3
        return this.#pushTuple(3);
      case 0x74: // TUPLE
      case 0x6c: // LIST
        return this.#push(this.#popToMark());
      case 0x61: { // APPEND
        const item = this.#pop();
        this.#topList().push(item);
        return;
      }
      case 0x65: { // APPENDS
        const items = this.#popToMark();
        const list = this.#topList();
        for (const item of items) list.push(item);
        return;
      }

      case 0x7d: // EMPTY_DICT
        return this.#push(new Map());
      case 0x64: { // DICT
        const items = this.#popToMark();
        const map = new Map<unknown, unknown>();
        this.#setItems(map, items);
        return this.#push(map);
      }
      case 0x73: { // SETITEM
        const value = this.#pop();
        const key = this.#pop();
        this.#topMap().set(key, value);
        return;
      }
      case 0x75: { // SETITEMS
        const items = this.#popToMark();
        this.#setItems(this.#topMap(), items);
        return;
      }

      case 0x63: { // GLOBAL
        const module = this.#line();
        return this.#push(this.#global(module, this.#line()));
      }
      case 0x93: { // STACK_GLOBAL
        const name = this.#pop();
        const module = this.#pop();
        if (typeof module !== "string" || typeof name !== "string") {
          throw this.#damaged("a global's name is not a string");
        }
        return this.#push(this.#global(module, name));
      }
      case 0x52: { // REDUCE
        const args = this.#pop();
        const callee = this.#pop();
        if (!(callee instanceof PickleGlobal) || !Array.isArray(args)) {
          throw this.#damaged("a call of something that is no function");
        }
        if (callee.call === undefined) throw refusal(`to call ${callee.name}`);
        return this.#push(callee.call(args));
      }
      case 0x62: { // BUILD
        const state = this.#pop();
        if (this.#host.setState?.(this.#top(), state)) return;
        if (!this.#host.ignoresState(this.#top())) {
          throw refusal("to set attributes of an object (opcode BUILD)");
        }
        return;
      }
      case 0x51: // BINPERSID
        return this.#push(this.#host.resolvePersistentId(this.#pop()));

      case 0x69: { // INST: an old form of a call; refused even for names that are allowed
        const module = this.#line();
        throw refusal(`global ${printable(`${module}.${this.#line()}`)} (opcode INST)`);
      }
      default: {
        const name = REFUSED.get(opcode);
        if (name !== undefined) throw refusal(`opcode ${name}`);
        const hex = opcode.toString(16).padStart(2, "0");
        throw this.#damaged(`unknown opcode 0x${hex}`);
      }
    }
  }

  #global(module: string, name: string): PickleGlobal {
    const found = this.#host.resolveGlobal(module, name);
    if (found === undefined) throw refusal(`global ${printable(`${module}.${name}`)}`);
    return found;
  }

  #push(value: unknown): void {
    this.#stack.push(value);
  }

  #pop(): unknown {
    if (this.#stack.length === 0) throw this.#damaged("nothing left on the stack");
    return this.#stack.pop();
  }

  #top(): unknown {
    if (this.#stack.length === 0) throw this.#damaged("nothing left on the stack");
    return this.#stack[this.#stack.length - 1];
  }

  #popToMark(): unknown[] {
    const below = this.#below.pop();
    if (below === undefined) throw this.#damaged("no mark left on the stack");
    const items = this.#stack;
    this.#stack = below;
    return items;
  }

  #pushTuple(size: number): void {
    if (this.#stack.length < size) throw this.#damaged("nothing left on the stack");
    this.#push(this.#stack.splice(this.#stack.length - size, size));
  }

  #topList(): unknown[] {
    const list = this.#top();
    if (!Array.isArray(list)) throw this.#damaged("an item is added to something that is no list");
    return list;
  }

  #topMap(): Map<unknown, unknown> {
    const map = this.#top();
    if (!(map instanceof Map)) {
      throw this.#damaged("an entry is added to something that is no dictionary");
    }
    return map;
  }

  #setItems(map: Map<unknown, unknown>, items: readonly unknown[]): void {
    if (items.length % 2 !== 0) throw this.#damaged("a dictionary key without a value");
    for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1]);
  }

  #recall(index: number): unknown {
    if (!this.#memo.has(index)) throw this.#damaged(`memo entry ${index} was never stored`);
    return this.#memo.get(index);
  }

  /** Moves past `length` bytes and returns where they start. */
  #take(length: number): number {
    const start = this.#position;
    if (length > this.#bytes.length - start) throw this.#damaged("the pickle ends early");
    this.#position = start + length;
    return start;
  }

  #uint8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  #uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** A 64-bit length. One too large for a number is too large for the file as well. */
  #uint64(): number {
    return Number(this.#view.getBigUint64(this.#take(8), true));
  }

  /** A two's complement integer of `length` bytes, little endian. */
  #long(length: number): number | bigint {
    // Converting costs the square of the length; nothing in a checkpoint needs more than 255 bytes.
    if (length > 255) throw this.#damaged(`an integer of ${length} bytes`);
    const digits = this.#slice(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(digits[i]!);
    value = BigInt.asIntN(length * 8, value);
    const rounded = Number(value);
    return Number.isSafeInteger(rounded) ? rounded : value;
  }

  #slice(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  #text(decoder: TextDecoder, length: number): string {
    return decoder.decode(this.#slice(length));
  }

  /** Text up to the next line feed. Only names are written so, and names are short. */
  #line(): string {
    const start = this.#position;
    const end = this.#bytes.subarray(start, start + 1024).indexOf(0x0a);
    if (end < 0) throw this.#damaged("a name without an end");
    this.#take(end + 1);
    return this.#utf8.decode(this.#bytes.subarray(start, start + end));
  }

  #damaged(what: string): DecodeError {
    return new DecodeError(`Cannot read checkpoint: ${what} (byte ${this.#position})`);
  }
}

function refusal(what: string): DecodeError {
  return new DecodeError(`Cannot read checkpoint: refuses ${what}`);
}

/** A name out of the file, cut and stripped of control characters for a one-line message. */
function printable(name: string): string {
  const short = name.length > 80 ? `${name.slice(0, 80)}…` : name;
  return short.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
}
