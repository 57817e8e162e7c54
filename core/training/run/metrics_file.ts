/**
 * `RUN/metrics.jsonl`: a line for every step and every validation of a training. Lines are written whole;
 * those of steps that a resumed training takes again are removed first.
 */

import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { StorageError } from "../../errors.ts";
import { writeFileAtomic } from "../../files.ts";

/** Numbers of a step. */
export interface StepLine {
  readonly kind: "step";
  /** Steps taken, this one included. */
  readonly step: number;
  readonly epoch: number;
  readonly rate: number;
  /** Seconds from the end of the step before to the end of this. */
  readonly seconds: number;
  /** Seconds of these in which there was no batch. */
  readonly waited: number;
  /** What the trainer answered. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** Numbers of a validation. */
export interface ValidationLine {
  readonly kind: "validation";
  /** Steps taken before. */
  readonly step: number;
  readonly epoch: number;
  readonly seconds: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** Whether it is the best so far. */
  readonly best: boolean;
}

export type MetricsLine = StepLine | ValidationLine;

/** Name of the file in a run. */
export const METRICS_FILE = "metrics.jsonl";

/** Appends to a run's file of metrics. */
export class MetricsFile {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /**
   * Opens the file as it was at a checkpoint.
   *
   * @param step The checkpoint's step.
   * @param validated The step of its last validation.
   * @throws {StorageError} The file cannot be written.
   */
  static async open(run: string, step: number, validated: number): Promise<MetricsFile> {
    const path = join(run, METRICS_FILE);
    const lines = readMetrics(run).filter((line) =>
      line.step <= (line.kind === "step" ? step : validated)
    );
    try {
      mkdirSync(dirname(path), { recursive: true });
      await writeFileAtomic(path, lines.map((line) => JSON.stringify(line) + "\n").join(""));
    } catch (error) {
      throw new StorageError(`Cannot write ${path}: ${(error as Error).message}`);
    }
    return new MetricsFile(path);
  }

  /** @throws {StorageError} The line cannot be written. */
  add(line: MetricsLine): void {
    try {
      appendFileSync(this.#path, JSON.stringify(line) + "\n");
    } catch (error) {
      throw new StorageError(`Cannot write ${this.#path}: ${(error as Error).message}`);
    }
  }
}

/** The lines of a run so far; one that was cut off by a crash is left out. */
export function readMetrics(run: string): MetricsLine[] {
  let text: string;
  try {
    text = readFileSync(join(run, METRICS_FILE), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return text.split("\n").flatMap((line) => {
    try {
      const parsed = JSON.parse(line) as MetricsLine;
      return ["step", "validation"].includes(parsed.kind) && typeof parsed.step === "number"
        ? [parsed]
        : [];
    } catch {
      return [];
    }
  });
}
