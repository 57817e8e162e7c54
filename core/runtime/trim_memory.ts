/** Giving memory back that nobody uses any more. */

/** Weights beyond this many bytes are worth the 0.1 s. */
const WORTHWHILE = 32 * 2 ** 20;

/**
 * Makes the C library give freed memory back to the system, where it is GNU's, which keeps it otherwise:
 * while ONNX Runtime loads a network it lays out the weights anew, and the old ones would stay with the
 * process for good (275 MB of ResNeSt-101). Anywhere else nothing happens.
 *
 * @param bytes What has been loaded; little is not worth the time.
 */
export function trimMemory(bytes: number): void {
  if (bytes < WORTHWHILE || typeof Deno === "undefined" || Deno.build.os !== "linux") return;
  const library = "libc.so.6";
  if (Deno.permissions.querySync({ name: "ffi", path: library }).state !== "granted") return;
  try {
    const libc = Deno.dlopen(library, {
      malloc_trim: { parameters: ["usize"], result: "i32" },
    });
    libc.symbols.malloc_trim(0n);
    libc.close();
  } catch {
    // Another C library: it has its own ways.
  }
}
