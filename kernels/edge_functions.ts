/** The WebAssembly functions behind the 3×3 blur and Canny's detector, see `assembly/edges.ts`. */

import { edgesWasm } from "./wasm/edges.ts";
import { WasmKernel } from "./wasm_kernel.ts";

/** Addresses and sizes are in bytes and pixels as `assembly/edges.ts` documents them. */
export interface EdgeFunctions {
  lineBytes(width: number): number;
  blur(source: number, target: number, line: number, width: number, height: number): void;
  canny(
    source: number,
    map: number,
    lines: number,
    stack: number,
    width: number,
    height: number,
    low: number,
    high: number,
  ): void;
  collect(map: number, target: number, width: number, height: number): void;
}

/** The module shared by both kernels. */
export const edgeKernel: WasmKernel<EdgeFunctions> = new WasmKernel(edgesWasm);

/** Bytes the SIMD loops may touch beyond the last pixel of a plane. */
export const SLACK = 16;

/** Bytes of a line buffer, as the module's `lineBytes` computes them. */
export function lineBytes(width: number): number {
  return 2 * (8 + ((width + 7) & ~7) + 8);
}
