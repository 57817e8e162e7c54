import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/**
 * Compiles a Wasm module that lies inside an npm package, from the local package cache.
 *
 * The packages' own loaders use `fetch` or ask for environment variables; reading the file needs
 * neither the net nor more than `--allow-read`, and works in Web Workers too.
 *
 * @param specifier the module's path as one would import it, "package/path/name.wasm".
 */
export function compileWasm(specifier: string): WebAssembly.Module {
  const resolved = import.meta.resolve(specifier);
  const path = resolved.startsWith("file:")
    ? new URL(resolved)
    : createRequire(import.meta.url).resolve(specifier);
  return new WebAssembly.Module(readFileSync(path));
}

/** The part of an Emscripten module this project uses: one `decode` function. */
export interface EmscriptenDecoder {
  decode(bytes: Uint8Array, ...flags: boolean[]): DecodedRgba | null;
}

/** Eight bits a channel, R G B A interleaved, `H×W×4`. */
export interface DecodedRgba {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
}

/** The factory function an Emscripten build exports. */
export type EmscriptenFactory = (overrides: {
  noInitialRun: boolean;
  print: (line: string) => void;
  printErr: (line: string) => void;
  instantiateWasm: (
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance) => void,
  ) => WebAssembly.Exports;
}) => Promise<EmscriptenDecoder>;

/**
 * A Wasm instance grown beyond this many bytes by a large picture is dropped after use, because Wasm
 * memory never shrinks and the worker would keep it for life.
 */
const KEEP_BELOW = 64 * 1024 * 1024;

/** What a decoder run left behind. */
export interface WasmRun {
  /** Absent when the decoder gave up. */
  readonly image?: DecodedRgba;
  /** What the library wrote to its standard error, line by line. */
  readonly messages: readonly string[];
}

/**
 * A decoder built by Emscripten: compiled once, instantiated on first use, and instantiated afresh
 * after every failure, since a trap may leave the heap of the old instance in any state.
 */
export class WasmDecoder {
  readonly #factory: EmscriptenFactory;
  readonly #specifier: string;
  #module?: WebAssembly.Module;
  #ready?: { decoder: EmscriptenDecoder; memory: WebAssembly.Memory; messages: string[] };

  constructor(factory: unknown, specifier: string) {
    this.#factory = factory as EmscriptenFactory;
    this.#specifier = specifier;
  }

  /**
   * Runs the decoder. One that gives up, traps or runs out of memory leaves no image, but why.
   *
   * @throws when the decoder cannot be loaded: its package is not there, or may not be read.
   */
  async run(bytes: Uint8Array, ...flags: boolean[]): Promise<WasmRun> {
    const { decoder, memory, messages } = this.#ready ??= await this.#instantiate();
    messages.length = 0;
    let image: DecodedRgba | null = null;
    try {
      image = decoder.decode(bytes, ...flags);
    } catch (error) {
      if (messages.length === 0) messages.push(error instanceof Error ? error.message : `${error}`);
    }
    if (!image || memory.buffer.byteLength > KEEP_BELOW) this.#ready = undefined;
    return image ? { image, messages: messages.slice() } : { messages: messages.slice() };
  }

  async #instantiate() {
    const wasm = this.#module ??= compileWasm(this.#specifier);
    const messages: string[] = [];
    let memory: WebAssembly.Memory | undefined;
    const decoder = await this.#factory({
      noInitialRun: true,
      print: () => {},
      printErr: (line) => messages.push(line),
      instantiateWasm: (imports, done) => {
        const instance = new WebAssembly.Instance(wasm, imports);
        memory = Object.values(instance.exports).find((it) => it instanceof WebAssembly.Memory);
        done(instance);
        return instance.exports;
      },
    });
    if (!memory) throw new Error(`${this.#specifier} exports no memory`);
    return { decoder, memory, messages };
  }
}
