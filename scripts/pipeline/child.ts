/**
 * Loaded before a step's script (`--preload`): waits until no other step is at work in the run, ends the
 * script when the process that started it is gone, so that nobody is at work when the run is gone on with,
 * and tells at the end how much memory it took.
 *
 * The query of this module's address names the files: `lock` and `peak`.
 */

import { writeFileSync } from "node:fs";
import process from "node:process";

/** Milliseconds between two looks. */
const POLL = 250;
/** As after a signal. */
const EXIT_INTERRUPTED = 130;

const query = new URL(import.meta.url).searchParams;
const parent = Deno.ppid;
Deno.unrefTimer(setInterval(() => {
  // Every step can be broken off at any moment.
  if (Deno.ppid !== parent) Deno.exit(EXIT_INTERRUPTED);
}, POLL));

const lock = query.get("lock");
// The system lets go of it when the process ends. File systems without locks are taken as they are.
if (lock !== null) {
  await Deno.openSync(lock, { create: true, write: true }).lock(true).catch(() => {});
}

const peak = query.get("peak");
if (peak !== null) {
  addEventListener("unload", () => {
    try {
      // In KiB.
      writeFileSync(peak, String(process.resourceUsage().maxRSS));
    } catch {
      // Then it is not known.
    }
  });
}
