/**
 * ONNX Runtime's telemetry, off: from 1.29 on its binaries for Linux and macOS tell Microsoft of processes,
 * models and runs, by native code that no permission of Deno's keeps from the network, and leave an
 * identifier in the user's cache folder, unless the environment variable `ORT_DISABLE_TELEMETRY` says no
 * before the first session of a process.
 */

import process from "node:process";

const VARIABLE = "ORT_DISABLE_TELEMETRY";
/** The C library, where that is GNU's or macOS's. */
const LIBRARIES: Readonly<Record<string, string>> = {
  linux: "libc.so.6",
  darwin: "libSystem.B.dylib",
};

let done = false;

/**
 * Says so, for the whole process. To be called in every thread before it creates a session; in Node, whose
 * other threads have copies of the environment only, in the main thread before it starts others.
 */
export function disableTelemetry(): void {
  if (done) return;
  done = true;
  if (typeof Deno === "undefined" || isGranted({ name: "env", variable: VARIABLE })) {
    process.env[VARIABLE] = "1";
    return;
  }
  // Whoever may load ONNX Runtime may load the C library, and needs no further permission.
  const library = LIBRARIES[Deno.build.os];
  if (library === undefined || !isGranted({ name: "ffi", path: library })) return;
  try {
    const libc = Deno.dlopen(library, {
      setenv: { parameters: ["buffer", "buffer", "i32"], result: "i32" },
    });
    libc.symbols.setenv(cString(VARIABLE), cString("1"), 1);
    libc.close();
  } catch {
    // Another C library; whoever has that sets the variable outside.
  }
}

function isGranted(leave: { name: "env"; variable: string } | { name: "ffi"; path: string }) {
  return Deno.permissions.querySync(leave).state === "granted";
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
