/** Writes pickles opcode by opcode: those that arrays, tensors and dictionaries of them take. */

/** A pickle under construction; `finish` gives its bytes. */
export class PickleWriter {
  /** What is written, but for the last bytes. */
  readonly #parts: Uint8Array[] = [];
  /** The last bytes, and how many they are. */
  #bytes = new Uint8Array(1 << 12);
  #length = 0;
  /** Names of shared globals already written, and where readers keep them. */
  readonly #memo = new Map<string, number>();

  /** @param protocol 2, or 3 where there are bytes. */
  constructor(protocol: 2 | 3) {
    this.#append(0x80, protocol);
  }

  /** Opcodes by their letters, of one byte each. */
  opcodes(letters: string): void {
    for (let at = 0; at < letters.length; at++) this.#append(letters.charCodeAt(at));
  }

  /** A text (BINUNICODE). */
  text(value: string): void {
    const utf8 = new TextEncoder().encode(value);
    this.opcodes("X");
    this.#uint32(utf8.length);
    this.#append(...utf8);
  }

  /** Bytes (BINBYTES); they need protocol 3. Not copied before `finish`: leave them as they are. */
  content(value: Uint8Array): void {
    this.opcodes("B");
    this.#uint32(value.length);
    // The rest of the room is for what follows; arrays are large, and many copies of them are dear.
    this.#parts.push(this.#bytes.subarray(0, this.#length), value);
    this.#bytes = this.#bytes.subarray(this.#length);
    this.#length = 0;
  }

  /** A whole number (BININT, or LONG1 where 32 bits do not do). */
  integer(value: number): void {
    if (value >= -(2 ** 31) && value < 2 ** 31) {
      this.opcodes("J");
      this.#uint32(value);
      return;
    }
    this.#append(0x8a, 8);
    this.#uint32(value % 2 ** 32);
    this.#uint32(Math.floor(value / 2 ** 32));
  }

  /** A tuple of whole numbers, of any length. */
  integers(values: readonly number[]): void {
    this.opcodes("(");
    for (const value of values) this.integer(value);
    this.opcodes("t");
  }

  /** A class or function by its name (GLOBAL). */
  global(module: string, name: string): void {
    this.#append(...new TextEncoder().encode(`c${module}\n${name}\n`));
  }

  /** As `global`, but written once and fetched from the reader's memory when it comes again. */
  sharedGlobal(module: string, name: string): void {
    const key = `${module}\n${name}`;
    const known = this.#memo.get(key);
    if (known !== undefined) {
      this.opcodes("j");
      this.#uint32(known);
      return;
    }
    this.global(module, name);
    this.opcodes("r");
    this.#uint32(this.#memo.size);
    this.#memo.set(key, this.#memo.size);
  }

  /**
   * Ends the pickle.
   *
   * @param before Bytes that the pickle is to stand behind. Default: none.
   */
  finish(before: Uint8Array = new Uint8Array(0)): Uint8Array {
    this.opcodes(".");
    const parts = [before, ...this.#parts, this.#bytes.subarray(0, this.#length)];
    const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  #uint32(value: number): void {
    this.#append(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24);
  }

  #append(...values: number[]): void {
    this.#reserve(values.length);
    this.#bytes.set(values, this.#length);
    this.#length += values.length;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(1 << 12, 2 * (this.#bytes.length + count)));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
