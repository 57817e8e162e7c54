/** Structured logs of the service, on standard error. */

import {
  configure,
  dispose,
  getLogger,
  getStreamSink,
  getTextFormatter,
  jsonLinesFormatter,
} from "@logtape/logtape";
import type { Logger } from "../functions/problem.ts";

/** `json`: an object a line; `text`: for people; `none`: faults only, for people. */
export const LOG_FORMATS = ["json", "text", "none"] as const;
export type LogFormat = typeof LOG_FORMATS[number];

/** A logger whose last lines are written when it is disposed of. */
export type ServiceLogger = Required<Logger> & AsyncDisposable;

/** Sets the logs of this process up. */
export async function openLog(format: LogFormat): Promise<ServiceLogger> {
  const formatter = format === "json"
    ? jsonLinesFormatter
    : getTextFormatter({ timestamp: "rfc3339" });
  await configure({
    sinks: { stderr: getStreamSink(Deno.stderr.writable, { formatter }) },
    loggers: [
      {
        category: "silop",
        lowestLevel: format === "none" ? "error" : "info",
        sinks: ["stderr"],
      },
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["stderr"] },
    ],
  });
  const logger = getLogger("silop");
  return {
    info: (message, properties) =>
      format === "json"
        ? logger.info(message, properties)
        : logger.info("{method} {path} {status} {ms} ms", properties),
    error: (message, error) =>
      format === "json"
        ? logger.error(message, { error })
        : logger.error(`${message}: {error}`, { error }),
    [Symbol.asyncDispose]: dispose,
  };
}
