/**
 * ONNX Runtime's telemetry, off: from 1.29 on its binaries for Linux and macOS tell Microsoft of processes,
 * models and runs, by native code that no permission of Deno's keeps from the network, and leave an
 * identifier in the user's cache folder, unless the environment variable `ORT_DISABLE_TELEMETRY` says no
 * before the first session of a process.
 */

import process from "node:process";
import { isMainThread } from "node:worker_threads";

const VARIABLE = "ORT_DISABLE_TELEMETRY";
/** The C library, where that is GNU's or macOS's. */
const LIBRARIES: Readonly<Record<string, string>> = {
  linux: "libc.so.6",
  darwin: "libSystem.B.dylib",
};

let off: boolean | undefined;
let told = false;

/**
 * Says so, for the whole process. To be called in every thread before it creates a session; in Node, whose
 * other threads have copies of the environment only, in the main thread before it starts others.
 *
 * @returns Whether that can be: in Deno it takes leave to set the variable or to load any library, and
 *   the C library must be GNU's or macOS's; in Node it takes the main thread, or what that has said before.
 *   `true` on Windows, where settings of the system count instead. Where it is `false`, the variable may
 *   still have been set outside.
 */
export function disableTelemetry(): boolean {
  off ??= setVariable();
  return off;
}

/** Does the same, and tells the first of a process who asks for it if that cannot be. */
export function disableTelemetryOrTell(
  tell: ((message: string, error: unknown) => void) | undefined,
): void {
  if (disableTelemetry() || told || tell === undefined) return;
  told = true;
  const reason = new Error(
    `Cannot set ${VARIABLE} from here: set it to 1 outside, or grant --allow-env=${VARIABLE}`,
  );
  // Whoever is told may still be about to make what it is told by.
  queueMicrotask(() => tell("ONNX Runtime may report to its makers", reason));
}

function setVariable(): boolean {
  if (typeof Deno === "undefined") {
    const said = isMainThread || process.env[VARIABLE] === "1";
    process.env[VARIABLE] = "1";
    return said || process.platform === "win32";
  }
  if (isGranted({ name: "env", variable: VARIABLE })) {
    process.env[VARIABLE] = "1";
    return true;
  }
  if (Deno.build.os === "windows") return true;
  // Whoever may load any library may load this one; not so with a list of paths.
  const library = LIBRARIES[Deno.build.os];
  if (library === undefined || !isGranted({ name: "ffi", path: library })) return false;
  try {
    const libc = Deno.dlopen(library, {
      setenv: { parameters: ["buffer", "buffer", "i32"], result: "i32" },
    });
    const failed = libc.symbols.setenv(cString(VARIABLE), cString("1"), 1);
    libc.close();
    return failed === 0;
  } catch {
    // Another C library; whoever has that sets the variable outside.
    return false;
  }
}

function isGranted(leave: { name: "env"; variable: string } | { name: "ffi"; path: string }) {
  return Deno.permissions.querySync(leave).state === "granted";
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
