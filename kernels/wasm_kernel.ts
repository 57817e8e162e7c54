/**
 * One WebAssembly module with its memory, made on first use and kept for the next call.
 *
 * Calls are synchronous and a kernel may not call itself, so one instance a thread is enough. A
 * WebAssembly memory can grow but not shrink: after a large image the instance is let go.
 */

/** Memory kept between calls, in bytes. */
const KEEP_BYTES = 64 * 2 ** 20;
const PAGE_BYTES = 65536;

/** What every module of `kernels/wasm/` exports beside its own functions. */
interface CommonExports {
  readonly memory: WebAssembly.Memory;
  /** First byte the caller may use. */
  base(): number;
}

/** A lazily compiled module of `kernels/wasm/`; `E` lists its functions. */
export class WasmKernel<E> {
  #base64: string;
  #module?: WebAssembly.Module;
  #exports?: E & CommonExports;
  /** Whether its memory is lent: whoever asked for it then would write over what is there. */
  #lent = false;

  /** @param base64 The binary, as `kernels/wasm/NAME.ts` exports it. */
  constructor(base64: string) {
    this.#base64 = base64;
  }

  /**
   * Lends the module's functions and memory to `run`, which must not keep them.
   *
   * @param bytes Memory needed, in bytes; what it holds is undefined.
   * @param run Gets the functions, the memory and the address of the first of the `bytes`, a
   *   multiple of 16.
   * @returns What `run` returns.
   * @throws {RangeError} The memory cannot be had.
   * @throws {Error} `run`, or a checkpoint that it calls, uses the same kernel.
   */
  use<T>(bytes: number, run: (functions: E, memory: ArrayBufferLike, base: number) => T): T {
    if (this.#lent) {
      throw new Error("Cannot use a kernel while it is at work: checkpoints must not call kernels");
    }
    this.#module ??= new WebAssembly.Module(fromBase64(this.#base64));
    this.#exports ??= new WebAssembly.Instance(this.#module).exports as unknown as
      & E
      & CommonExports;
    const { memory } = this.#exports;
    const base = (this.#exports.base() + 15) & ~15;
    const missing = base + bytes - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
    this.#lent = true;
    try {
      return run(this.#exports, memory.buffer, base);
    } finally {
      this.#lent = false;
      if (memory.buffer.byteLength > KEEP_BYTES) this.#exports = undefined;
    }
  }
}

/** As `Uint8Array.fromBase64()`, which Node has not had for long. */
function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
