/** Ends programs between two images. */

/** Exit code of a run that was ended by a signal, as shells give it for SIGINT. */
export const EXIT_INTERRUPTED = 130;

/** Aborted by the first SIGINT or SIGTERM; the second ends the program as it is. */
export function stopOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => {
      if (controller.signal.aborted) Deno.exit(EXIT_INTERRUPTED);
      console.error("Ending after the images in work …");
      controller.abort();
    });
  }
  return controller.signal;
}
