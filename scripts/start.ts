/**
 * `deno task start`: the HTTP service.
 *
 * Listens on loopback unless told otherwise. SIGTERM and SIGINT end it after the requests under way have
 * been answered, within 20 seconds.
 */

import { readFileSync } from "node:fs";
import { Option } from "commander";
import { createSilop } from "../core/silop.ts";
import { type AppOptions, createApp } from "../functions/app.ts";
import { DEFAULT_SERVICE_LIMITS } from "../functions/admission.ts";
import { serveApp, type ServedApp } from "../functions/serve.ts";
import {
  addWorkOptions,
  createCommand,
  fail,
  integerIn,
  numberIn,
  readList,
  silopOptions,
  warnOfFallback,
  type WorkFlags,
} from "./cli.ts";
import { LOG_FORMATS, type LogFormat, openLog, type ServiceLogger } from "./log.ts";

/** How long requests under way may take once the service has been told to end. */
const DRAIN_MS = 18_000;
/** When the process ends whatever happens. */
const EXIT_MS = 20_000;
const MIB = 2 ** 20;

interface StartFlags extends WorkFlags {
  port: number;
  host: string;
  allowModels?: string[];
  maxQueue: number;
  maxWait: number;
  deadline: number;
  memoryLimit?: number;
  tokenFile?: string;
  cors?: string[];
  rateLimit?: number;
  trustProxy?: boolean;
  log: LogFormat;
}

const { maxQueue, maxWaitMs, deadlineMs } = DEFAULT_SERVICE_LIMITS;
const seconds = numberIn(0.001, 86_400);
const count = integerIn(0, 1e6);
const command = createCommand("start", "Segment photos over HTTP.")
  .option("--port <n>", "port to listen on; 0 takes a free one", integerIn(0, 65535), 8000)
  .option("--host <address>", "address to listen on; 0.0.0.0 is all of them", "127.0.0.1")
  .option("--allow-models <list>", "names of further models that requests may choose", readList)
  .option("--max-queue <n>", "requests that may wait for a worker", count, maxQueue)
  .option("--max-wait <s>", "how long each may wait", seconds, maxWaitMs / 1000)
  .option("--deadline <s>", "how long a request may take", seconds, deadlineMs / 1000)
  .option(
    "--memory-limit <MiB>",
    "memory above which workers are replaced (default: 2048, and 1024 for each worker)",
    integerIn(1, 1e7),
  )
  .option("--token-file <path>", "file of tokens, one a line, of which requests must bear one")
  .option("--cors <origins>", "origins whose pages may ask; *: all", readList)
  .option("--rate-limit <n>", "posts a minute of one client (default: any number)", count)
  .option("--trust-proxy", "take a client's address from the last in X-Forwarded-For")
  .addOption(
    new Option("--log <form>", "lines about requests").choices(LOG_FORMATS).default("json"),
  );
addWorkOptions(command).parse(Deno.args, { from: "user" });
await start(command.opts<StartFlags>());

async function start(flags: StartFlags): Promise<void> {
  checkNetAccess(flags);
  const logger = await openLog(flags.log);
  const work = silopOptions(flags);
  const silop = createSilop({
    ...work,
    memoryLimit: memoryLimit(flags),
    allowModels: flags.allowModels,
    onFault: (message, error) => logger.error(message, error),
  });
  // Before the app hears of it, which would log what is said here.
  silop.ready.catch((error: Error) => fail(error.message));
  const app = createApp({ silop, logger, ...appOptions(flags) });
  const server = await listen(flags, app);
  endOnSignals(server, logger);
  const ready = await silop.ready;
  warnOfFallback(ready);
  console.log(readyMessage(server, ready.device, silop.plan));
}

function memoryLimit({ memoryLimit, workers = 1 }: StartFlags): number {
  return (memoryLimit ?? 2048 + 1024 * workers) * MIB;
}

function appOptions(flags: StartFlags): AppOptions {
  const { maxQueue, maxWait, deadline, tokenFile, cors, rateLimit, trustProxy } = flags;
  return {
    limits: { maxQueue, maxWaitMs: 1000 * maxWait, deadlineMs: 1000 * deadline },
    auth: tokenFile === undefined ? undefined : { tokens: readTokens(tokenFile) },
    cors: cors && { origins: cors },
    rateLimit: rateLimit === undefined ? undefined : { limit: rateLimit },
    trustProxy,
  };
}

function readTokens(path: string): string[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    fail(`Cannot read tokens: ${(error as Error).message}`);
  }
  const tokens = text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== "");
  if (tokens.length === 0) fail(`Cannot read tokens: there are none in ${path}`);
  return tokens;
}

/** Ends the process when it was not given the right to listen: Deno would say so with a stack trace. */
function checkNetAccess({ host, port }: StartFlags): void {
  const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  let state: Deno.PermissionState;
  try {
    state = Deno.permissions.querySync({ name: "net", host: address }).state;
  } catch {
    // No address at all; listening tells what is wrong with it.
    return;
  }
  if (state === "granted") return;
  fail(
    `Cannot listen on ${address}: Deno was not given the right to; run "deno run --allow-read ` +
      `--allow-ffi --allow-net=${address} --allow-env=SILOP_MODELS scripts/start.ts --host ${host} ` +
      `--port ${port}"`,
  );
}

async function listen(
  { host, port }: StartFlags,
  app: ReturnType<typeof createApp>,
): Promise<ServedApp> {
  try {
    return await serveApp(app, { hostname: host, port });
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    if (code === "EADDRINUSE") {
      fail(`Cannot listen on ${host}:${port}: another program does; choose another --port`);
    }
    fail(`Cannot listen on ${host}:${port}: ${message}`);
  }
}

function readyMessage(
  { hostname, port }: ServedApp,
  device: string,
  { workers, threads }: { workers: number; threads: number },
): string {
  const everywhere = hostname === "0.0.0.0" || hostname === "::";
  const host = everywhere ? "localhost" : hostname.includes(":") ? `[${hostname}]` : hostname;
  const url = `http://${host}:${port}`;
  return `Ready at ${url} (${device}, ${workers} × ${threads} threads). Try: ` +
    `curl --data-binary @examples/cat.jpg '${url}/segment?format=overlay' -o overlay.png`;
}

/** Ends the process after all has been answered, after {@linkcode EXIT_MS}, or at a second signal. */
function endOnSignals(server: ServedApp, logger: ServiceLogger): void {
  let ending = false;
  const end = async () => {
    if (ending) Deno.exit(1);
    ending = true;
    console.log("Ending after the requests under way");
    Deno.unrefTimer(setTimeout(() => fail("Requests were still under way; ended them"), EXIT_MS));
    const done = await server.shutdown(DRAIN_MS);
    await logger[Symbol.asyncDispose]();
    if (!done) fail("Requests were still under way; ended them");
    Deno.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, end);
}
