/** Runs the steps of a plan, as far as they are not done, and keeps the manifest. */

import { rmSync } from "node:fs";
import { resolve } from "node:path";
import { OptionError } from "../../core/errors.ts";
import {
  type SilopManifest,
  type StepRecord,
  writeSilopManifest,
} from "../../core/pipeline/manifest.ts";
import { EXIT_INTERRUPTED } from "../signals.ts";
import { type Digest, digestResults, fingerprintStep } from "./results.ts";
import { runChild } from "./run_child.ts";
import type { Step } from "./step.ts";

/** What of a plan is run. */
export interface Selection {
  /** Stages or steps that are left out: their results are taken as they are. */
  readonly skip: readonly string[];
  readonly from?: string;
  readonly until?: string;
}

/** A step, and how far it is. */
export interface StepState {
  readonly step: Step;
  /**
   * `left out` by the selection; `done`: nothing has changed since it was; `begun`: some of it is done;
   * `changed`: it was done, but of other options or inputs.
   */
  readonly state: "left out" | "done" | "begun" | "changed" | "to do";
  readonly digest: Digest;
}

/** @throws {OptionError} A name is no step's, or nothing would be run. */
export function selectSteps(
  steps: readonly Step[],
  { skip, from, until }: Selection,
): Set<string> {
  const known = new Set(steps.flatMap(({ stage, name }) => [stage, name]));
  const named = [
    ...skip,
    ...from === undefined ? [] : [from],
    ...until === undefined ? [] : [until],
  ];
  const unknown = named.find((name) => !known.has(name));
  if (unknown !== undefined) {
    const stages = [...new Set(steps.map(({ stage }) => stage))].join(", ");
    throw new OptionError(`There is no step ${unknown}; the stages are ${stages}`);
  }
  const is = (name: string) => (step: Step) => step.stage === name || step.name === name;
  const first = from === undefined ? 0 : steps.findIndex(is(from));
  const last = until === undefined ? steps.length - 1 : steps.findLastIndex(is(until));
  const selected = steps.slice(first, last + 1)
    .filter((step) => !skip.some((name) => is(name)(step)));
  if (selected.length === 0) throw new OptionError("Nothing is left to be run");
  return new Set(selected.map(({ name }) => name));
}

/** How far the steps are. */
export async function inspectSteps(
  steps: readonly Step[],
  selected: ReadonlySet<string>,
  records: readonly StepRecord[],
): Promise<StepState[]> {
  const results = new Map<string, string | null>();
  const states: StepState[] = [];
  for (const step of steps) {
    const digest = await digestResults(step.results);
    results.set(step.name, digest.sha256);
    const state = selected.has(step.name)
      ? stateOf(step, digest, results, records.find(({ name }) => name === step.name))
      : "left out";
    states.push({ step, state, digest });
    // What follows reads what will be made anew.
    if (state !== "done" && state !== "left out") results.set(step.name, null);
  }
  return states;
}

function stateOf(
  step: Step,
  digest: Digest,
  results: ReadonlyMap<string, string | null>,
  record: StepRecord | undefined,
): StepState["state"] {
  if (record === undefined) return digest.done > 0 ? "begun" : "to do";
  const same = record.fingerprint === fingerprintStep(step, results);
  if (record.status !== "done") return same ? "begun" : "to do";
  return same && digest.sha256 !== null && record.results === digest.sha256 ? "done" : "changed";
}

/** How a run of steps ended. */
export type RunEnd = { readonly end: "done" | "stopped" } | {
  readonly end: "failed";
  readonly step: string;
  readonly reason: string;
};

/** Options of {@linkcode runSteps}. */
export interface RunStepsOptions {
  readonly run: string;
  readonly manifest: SilopManifest;
  /** Make again what was made with other options. Default: that is refused. */
  readonly redo?: boolean;
  /** Folder of models beside the run's own. */
  readonly models?: string;
  readonly signal: AbortSignal;
  /** Hears of every step that is begun. */
  readonly onStep?: (step: Step, number: number) => void;
}

/** Runs the selected steps in their order until one fails or a signal comes. */
export async function runSteps(
  steps: readonly Step[],
  selected: ReadonlySet<string>,
  { run, manifest, redo = false, models, signal, onStep }: RunStepsOptions,
): Promise<RunEnd> {
  const records = new Map(manifest.steps.map((record) => [record.name, record]));
  const results = new Map<string, string | null>();
  const save = async () => {
    const known = steps.flatMap(({ name }) => records.get(name) ?? []);
    const others = [...records.values()].filter((record) => !known.includes(record));
    await writeSilopManifest(run, { ...manifest, steps: [...known, ...others] });
  };
  await save();
  for (const [number, step] of steps.entries()) {
    const before = await digestResults(step.results);
    results.set(step.name, before.sha256);
    if (!selected.has(step.name)) continue;
    const record = records.get(step.name);
    if (stateOf(step, before, results, record) === "done") continue;
    if (signal.aborted) return { end: "stopped" };
    onStep?.(step, number);
    const fingerprint = fingerprintStep(step, results);
    const again = redo && record !== undefined && record.fingerprint !== fingerprint;
    if (again && step.anew !== undefined && "folder" in step.anew) {
      rmSync(step.anew.folder, { recursive: true, force: true });
    }
    const begun: StepRecord = {
      name: step.name,
      task: step.task,
      args: [...step.args()],
      images: step.images,
      status: "running",
      fingerprint,
      results: null,
      began: record?.began ?? new Date().toISOString(),
      ended: null,
      seconds: again ? 0 : record?.seconds ?? 0,
      peakMb: again ? null : record?.peakMb ?? null,
      sittings: again ? 1 : (record?.sittings ?? 0) + 1,
    };
    records.set(step.name, begun);
    await save();
    const start = performance.now();
    const flag = redo && step.anew !== undefined && "flag" in step.anew ? [step.anew.flag] : [];
    const { code, peakMb, reason } = await perform(step, flag, { run, models, signal });
    const after = await digestResults(step.results);
    results.set(step.name, after.sha256);
    const stopped = signal.aborted && code === EXIT_INTERRUPTED;
    const status = stopped ? "stopped" : code === 0 && after.sha256 !== null ? "done" : "failed";
    records.set(step.name, {
      ...begun,
      status,
      results: status === "done" ? after.sha256 : null,
      ended: new Date().toISOString(),
      seconds: round(begun.seconds + (performance.now() - start) / 1000),
      peakMb: largest(begun.peakMb, peakMb),
    });
    await save();
    if (status === "stopped") return { end: "stopped" };
    if (status === "failed") return { end: "failed", step: step.name, reason };
  }
  return { end: "done" };
}

async function perform(
  step: Step,
  flags: readonly string[],
  { run, models, signal }: { run: string; models?: string; signal: AbortSignal },
): Promise<{ code: number; peakMb: number | null; reason: string }> {
  if (step.task === null) {
    try {
      await step.act?.();
      return { code: 0, peakMb: null, reason: "it left no result" };
    } catch (error) {
      return { code: 1, peakMb: null, reason: (error as Error).message };
    }
  }
  const args = [...step.args(), ...step.work ?? [], ...flags];
  const scratch = resolve(run, "journal", "silop-step.peak");
  const { code, peakMb } = await runChild(step.task, args, { scratch, models, signal });
  const reason = code === 0
    ? "not all of its results are there"
    : `deno task ${step.task} ended with ${code}`;
  return { code, peakMb, reason };
}

function largest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? a ?? b : Math.max(a, b);
}

function round(seconds: number): number {
  return Math.round(10 * seconds) / 10;
}
