/** Measures times where machines may stand still for a while. */

/** The most runs. */
const RUNS = 5;

/**
 * Least milliseconds that some work takes in a few runs.
 *
 * @param enough The first run that takes less is the last.
 */
export async function quickest(enough: number, work: () => unknown): Promise<number> {
  let least = Infinity;
  for (let run = 0; run < RUNS && least >= enough; run++) {
    const start = performance.now();
    await work();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}
