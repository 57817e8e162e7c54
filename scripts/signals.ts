/** Ending on request. */

/** Exit code of a run that was ended by a signal, as shells give it for SIGINT. */
export const EXIT_INTERRUPTED = 130;

/**
 * Aborted by the first SIGINT or SIGTERM, which then get back their usual effect: the second ends the
 * program at once, even while native code holds up its thread.
 *
 * @param message Told when the first comes.
 */
export function stopOnSignals(message: string): AbortSignal {
  const controller = new AbortController();
  const names = ["SIGINT", "SIGTERM"] as const;
  const stop = () => {
    for (const name of names) Deno.removeSignalListener(name, stop);
    console.error(message);
    controller.abort();
  };
  for (const name of names) Deno.addSignalListener(name, stop);
  return controller.signal;
}
