/** Lines and a progress bar on one terminal. */

// @ts-types="@types/cli-progress"
import cliProgress from "cli-progress";

/** Fewer steps than this need no bar. */
const MIN_STEPS = 4;

/** Writes lines to standard output and errors to standard error, around a bar where that helps. */
export class Console {
  #bars: cliProgress.MultiBar | null = null;
  #bar: cliProgress.SingleBar | null = null;

  /** @param steps How many steps there will be; a bar is shown for more than three, on a terminal. */
  constructor(steps: number) {
    if (steps < MIN_STEPS || !Deno.stderr.isTerminal()) return;
    this.#bars = new cliProgress.MultiBar({
      format: "{bar} {value}/{total} | {duration_formatted} | {eta_formatted} left",
      clearOnComplete: true,
      // Ctrl-C shall end the program, not only the bar.
      gracefulExit: false,
    }, cliProgress.Presets.shades_classic);
    this.#bar = this.#bars.create(steps, 0);
  }

  log(line: string): void {
    // The bar's own terminal keeps line and bar apart; a file or pipe gets the line alone.
    if (this.#bars !== null && Deno.stdout.isTerminal()) this.#bars.log(line + "\n");
    else console.log(line);
  }

  error(line: string): void {
    if (this.#bars !== null) this.#bars.log(line + "\n");
    else console.error(line);
  }

  /** Moves the bar on. */
  step(): void {
    this.#bar?.increment();
  }

  /** Takes the bar away; lines then go straight through. */
  stop(): void {
    // Lines still waiting are written with the last redraw only.
    this.#bars?.update();
    this.#bars?.stop();
    this.#bars = this.#bar = null;
  }
}
