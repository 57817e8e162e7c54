/** How a learning rate changes over a training. */

/** Names of the curves. */
export const SCHEDULE_NAMES = ["polynomial", "cosine", "constant"] as const;
/** See {@linkcode SCHEDULE_NAMES}. */
export type ScheduleName = typeof SCHEDULE_NAMES[number];

/** The rate of a step, counted from 0. */
export type Schedule = (step: number) => number;

/** Options of {@linkcode makeSchedule}. */
export interface ScheduleOptions {
  /** Default: `"polynomial"`. */
  readonly curve?: ScheduleName;
  /** Highest rate. */
  readonly rate: number;
  /** Steps of the whole training, at whose end polynomial and cosine reach 0. */
  readonly steps: number;
  /** Of the polynomial `(1 − step/steps)^power`. Default: 0.9. */
  readonly power?: number;
  /** First steps, over which the rate rises to the curve in a straight line. Default: 0. */
  readonly warmUp?: number;
}

/**
 * Makes a schedule.
 *
 * @throws {RangeError} A number is negative, or there are no steps.
 */
export function makeSchedule(
  { curve = "polynomial", rate, steps, power = 0.9, warmUp = 0 }: ScheduleOptions,
): Schedule {
  if (!(rate >= 0 && steps >= 1 && power >= 0 && warmUp >= 0)) {
    throw new RangeError(
      `No schedule has rate ${rate}, ${steps} steps, power ${power} and ${warmUp} steps of warm-up`,
    );
  }
  const curves: Record<ScheduleName, Schedule> = {
    polynomial: (step) => polynomialRate(rate, step, steps, power),
    cosine: (step) => cosineRate(rate, step, steps),
    constant: () => rate,
  };
  const full = curves[curve];
  return (step) => full(step) * (step < warmUp ? (step + 1) / warmUp : 1);
}

/** A learning rate that falls from `rate` to 0 along a power; `step` counts from 0. */
export function polynomialRate(rate: number, step: number, steps: number, power = 0.9): number {
  return rate * (1 - step / steps) ** power;
}

/** A learning rate that falls from `rate` to 0 along half a cosine; `step` counts from 0. */
export function cosineRate(rate: number, step: number, steps: number): number {
  return (rate / 2) * (1 + Math.cos((Math.PI * step) / steps));
}
