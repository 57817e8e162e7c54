/** Exits with 0 if the service on this machine answers, with 1 if not: [PORT]. For health checks of containers. */

import process from "node:process";

const port = Number(Deno.args[0] ?? 8000);
try {
  const signal = AbortSignal.timeout(4000);
  const response = await fetch(`http://127.0.0.1:${port}/health/live`, { signal });
  process.exit(response.ok ? 0 : 1);
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
