/**
 * An app on a port of its own.
 *
 * Served by `node:http` rather than `Deno.serve()`, which does not tell when the client of a POST with more
 * than a few hundred bytes has gone, so that its work would go on.
 */

import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { App } from "./app.ts";

/** Options of {@linkcode serveApp}. */
export interface ServeOptions {
  /** Address to listen on. Default: `"127.0.0.1"`. */
  hostname?: string;
  /** Port to listen on; 0 takes a free one. Default: 8000. */
  port?: number;
}

/** An app that is being served. */
export interface ServedApp {
  readonly hostname: string;
  readonly port: number;
  /**
   * Refuses new work, waits for what is under way until it has been answered and sent, and closes the
   * port. The app is not closed.
   *
   * @param timeoutMs After that long, what is still under way is answered that the service ends.
   *   Default: 18 000.
   * @returns Whether everything was done in time.
   */
  shutdown(timeoutMs?: number): Promise<boolean>;
}

/** Milliseconds for a request's header, and for all of a request, to arrive. */
const HEADER_MS = 15_000;
const REQUEST_MS = 120_000;
/** How long answers may take to be sent after the last one has been made. */
const SEND_MS = 1500;
const POLL_MS = 10;

/**
 * Serves an app.
 *
 * @throws `Error` with the code `EADDRINUSE` when another program has the port, and others of `node:net`.
 */
export async function serveApp(app: App, options: ServeOptions = {}): Promise<ServedApp> {
  const { hostname = "127.0.0.1", port = 8000 } = options;
  const server = createAdaptorServer({
    // The connection's ends go to `c.env`.
    fetch: (request, connection) => app.fetch(request, connection),
    // An app that is part of another program leaves that program's `Request` alone.
    overrideGlobalObjects: false,
    serverOptions: { headersTimeout: HEADER_MS, requestTimeout: REQUEST_MS },
  });
  let open = 0;
  server.on("request", (_, response) => {
    open++;
    response.once("close", () => open--);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, hostname, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const { address, port: taken } = server.address() as AddressInfo;
  return {
    hostname: address,
    port: taken,
    async shutdown(timeoutMs) {
      const done = await app.drain(timeoutMs);
      const end = performance.now() + SEND_MS;
      while (open > 0 && performance.now() < end) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
      server.close();
      if ("closeAllConnections" in server) server.closeAllConnections();
      return done;
    },
  };
}
