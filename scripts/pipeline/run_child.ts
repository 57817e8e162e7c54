/** Steps as processes of their own, with the permissions that their tasks have and no more. */

import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import project from "../../deno.json" with { type: "json" };
import { MODELS_VARIABLE } from "../../core/runtime/model_folders.ts";

const ROOT = new URL("../../", import.meta.url);
const CHILD = new URL("./child.ts", import.meta.url);

/** How a process ended. */
export interface ChildEnd {
  readonly code: number;
  /** Greatest resident memory in MB; `null` when it was killed. */
  readonly peakMb: number | null;
}

/**
 * Runs a task of `deno.json` to its end, with its own output. A signal is passed on once: the task then
 * ends after what is in work.
 *
 * @param scratch File that the task may write to for a moment.
 * @param models Folder of models, searched after the one the task names.
 */
export async function runChild(
  task: string,
  args: readonly string[],
  { scratch, models, signal }: { scratch: string; models?: string; signal: AbortSignal },
): Promise<ChildEnd> {
  mkdirSync(dirname(scratch), { recursive: true });
  rmSync(scratch, { force: true });
  const preload = new URL(CHILD);
  preload.search = new URLSearchParams({
    peak: scratch,
    lock: join(dirname(scratch), "silop-step.lock"),
  }).toString();
  const { flags, script } = commandOf(task);
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      `--config=${join(fileURLToPath(ROOT), "deno.json")}`,
      `--preload=${preload.href}`,
      ...flags,
      fileURLToPath(new URL(script, ROOT)),
      ...args,
    ],
    env: models === undefined ? {} : { [MODELS_VARIABLE]: models },
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
    // A group of its own: a terminal's Ctrl-C must not reach it a second time, which would end it at once.
    detached: true,
  }).spawn();
  const stop = () => {
    try {
      child.kill("SIGINT");
    } catch {
      // It has ended already.
    }
  };
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  const { code } = await child.status;
  signal.removeEventListener("abort", stop);
  return { code, peakMb: readPeak(scratch) };
}

/** The permissions and the script of a task. */
export function commandOf(task: string): { flags: string[]; script: string } {
  const { command } = (project.tasks as Record<string, { command: string }>)[task]!;
  const [deno, run, ...rest] = command.split(/\s+/);
  const script = rest.pop();
  if (deno !== "deno" || run !== "run" || script === undefined) {
    throw new TypeError(`The task ${task} runs no script: ${command}`);
  }
  return { flags: rest, script };
}

function readPeak(path: string): number | null {
  try {
    return Math.round(Number(readFileSync(path, "utf8")) / 1024);
  } catch {
    return null;
  } finally {
    rmSync(path, { force: true });
  }
}
