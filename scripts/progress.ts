/** Progress of one long task after another, with rate and time left, on standard error. */

// @ts-types="@types/cli-progress"
import cliProgress from "cli-progress";
import process from "node:process";

/** Where a task's progress goes. */
export interface Progress {
  /** Moves on, by one step unless told otherwise; `note` is shown behind the bar. */
  step(steps?: number, note?: string): void;
  /** Writes a line of its own. */
  log(line: string): void;
  /** Ends the task with a line that keeps its time. */
  stop(): void;
}

/** Lines for a task when there is no terminal to draw a bar on. */
const LINES = 5;

/**
 * Starts showing a task: a bar on a terminal, else a line every fifth of the way.
 *
 * @param task What is done.
 * @param total How many steps there are.
 * @param unit What a step is, in the plural.
 */
export function startProgress(task: string, total: number, unit: string): Progress {
  const start = performance.now();
  const bar = Deno.stderr.isTerminal() ? createBar(task, unit) : null;
  bar?.start(total, 0, { rate: "–", note: "" });
  let done = 0;
  const seconds = () => (performance.now() - start) / 1000;
  const rate = () => (done / seconds()).toPrecision(3);
  return {
    step(steps = 1, note = "") {
      const part = Math.floor((LINES * done) / total);
      done += steps;
      bar?.update(done, { rate: rate(), note });
      if (bar === null && done < total && Math.floor((LINES * done) / total) > part) {
        const left = Math.ceil((seconds() / done) * (total - done));
        console.error(`${task}: ${done}/${total} ${unit}, ${rate()}/s, ${left} s left ${note}`);
      }
    },
    log(line) {
      // The bar stands in the last line and is drawn again with the next step.
      console.error(bar === null ? line : `\r\x1b[2K${line}`);
    },
    stop() {
      bar?.stop();
      console.error(`${task}: ${done} ${unit} in ${seconds().toFixed(1)} s`);
    },
  };
}

function createBar(task: string, unit: string): cliProgress.SingleBar {
  return new cliProgress.SingleBar({
    format: `${task} {bar} {value}/{total} ${unit} | {rate}/s | {eta_formatted} left {note}`,
    clearOnComplete: true,
    gracefulExit: false,
    stream: process.stderr,
  }, cliProgress.Presets.shades_classic);
}
