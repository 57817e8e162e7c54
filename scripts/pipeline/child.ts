/**
 * Loaded before a step's script (`--preload`): ends it when the process that started it is gone, so that
 * nobody is at work in a run when it is gone on with, and tells at the end how much memory it took.
 *
 * The file that this is told in is named by the query of this module's address.
 */

import { writeFileSync } from "node:fs";
import process from "node:process";

/** Milliseconds between two looks. */
const POLL = 250;
/** As after a signal. */
const EXIT_INTERRUPTED = 130;

const path = new URL(import.meta.url).searchParams.get("peak");
const parent = Deno.ppid;
Deno.unrefTimer(setInterval(() => {
  // Every step can be broken off at any moment.
  if (Deno.ppid !== parent) Deno.exit(EXIT_INTERRUPTED);
}, POLL));
if (path !== null) {
  addEventListener("unload", () => {
    try {
      // On Linux and macOS alike in KiB: Node's units.
      writeFileSync(path, String(process.resourceUsage().maxRSS));
    } catch {
      // Then it is not known.
    }
  });
}
