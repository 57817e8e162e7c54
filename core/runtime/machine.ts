/** How many workers and threads to use on this machine. */

/** A plan for a {@linkcode StagePool}: `workers` threads of JavaScript with `threads` native threads each. */
export interface WorkPlan {
  readonly workers: number;
  readonly threads: number;
}

/** What {@linkcode planWork} may be told. */
export interface WorkPlanOptions {
  /** Worker threads. Default: see {@linkcode planWork}. */
  workers?: number;
  /** Native threads per worker. Default: see {@linkcode planWork}. */
  threads?: number;
  /** Whether single answers shall be quick, or many images be done soon. Default: `"latency"`. */
  aim?: "latency" | "throughput";
  /** Logical cores of the machine. Default: as the runtime reports. */
  cores?: number;
  /**
   * Whether the networks are large: every worker holds weights of its own, and their layers have work for
   * more threads, so fewer workers get more threads each. Default: `false`.
   */
  heavy?: boolean;
}

/** Beyond this a convolution of the embedded models' size gains little from another thread. */
const USEFUL_THREADS = 4;
/** Networks with more bytes of weights than this count as large. */
export const HEAVY_BYTES = 64 * 2 ** 20;
/** Threads of each worker for large networks, when single answers count and when many images do. */
const HEAVY_THREADS = { latency: 8, throughput: 4 } as const;

/**
 * Divides the cores so that `workers · threads ≤ cores`.
 *
 * For latency every worker gets up to four threads; for throughput every core gets a worker of its
 * own, because running images side by side scales better than running one image on more threads. Large
 * networks get up to eight threads for latency, four for throughput.
 * A number given for one of the two decides the other.
 *
 * @throws {RangeError} A number is not a positive integer.
 */
export function planWork(
  { workers, threads, aim = "latency", cores = navigator.hardwareConcurrency, heavy = false }:
    WorkPlanOptions = {},
): WorkPlan {
  for (const [name, value] of Object.entries({ workers, threads, cores })) {
    if (value !== undefined && !(Number.isInteger(value) && value >= 1)) {
      throw new RangeError(`${name} must be a positive integer, got ${value}`);
    }
  }
  const share = (taken: number) => Math.max(1, Math.floor(cores / taken));
  if (workers !== undefined) return { workers, threads: threads ?? share(workers) };
  if (threads !== undefined) return { workers: share(threads), threads };
  const useful = heavy ? HEAVY_THREADS[aim] : aim === "throughput" ? 1 : USEFUL_THREADS;
  const each = Math.min(useful, cores);
  return { workers: share(each), threads: each };
}
