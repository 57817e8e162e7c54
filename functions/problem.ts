/**
 * Errors as HTTP answers: the one place where an error becomes a status and a problem document
 * (RFC 9457).
 *
 * | status | `type` ends in         | when                                                            |
 * | ------ | ---------------------- | --------------------------------------------------------------- |
 * | 400    | `invalid-request`      | a query parameter is unknown or unreadable, the body is broken  |
 * | 400    | `undecodable-image`    | the image is empty, cut short or damaged                        |
 * | 401    | `unauthorized`         | the token is missing or wrong                                   |
 * | 404    | `not-found`            |                                                                 |
 * | 405    | `method-not-allowed`   | the header `Allow` names those that are                         |
 * | 406    | `not-acceptable`       | `Accept` names nothing that can be sent                         |
 * | 408    | `slow-request`         | the body did not arrive in time                                 |
 * | 409    | `not-finished`         | a job has no result yet                                         |
 * | 412    | `precondition-failed`  | `If-None-Match` names the answer                                |
 * | 413    | `image-too-large`      | too many bytes or pixels                                        |
 * | 415    | `unsupported-format`   | the bytes are of a format that is not read                      |
 * | 422    | `invalid-option`       | a parameter is understood but cannot be served                  |
 * | 429    | `too-many-requests`    | the queue is full                                               |
 * | 429    | `rate-limited`         | this client has asked too often                                 |
 * | 499    | `cancelled`            | the client went away (nobody reads this answer)                 |
 * | 500    | `internal-error`       | a fault of this program; the log tells more, the answer does not |
 * | 503    | `not-ready`            | the models are being loaded, or cannot be                       |
 * | 503    | `overloaded`           | no worker was free in time                                      |
 * | 503    | `deadline-exceeded`    | the work took longer than a request may                         |
 * | 503    | `shutting-down`        | the service ends                                                |
 */

import { STATUS_CODES } from "node:http";
import type { Context, ErrorHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import {
  DecodeError,
  DeviceError,
  LimitError,
  ModelError,
  OptionError,
  UnsupportedFormatError,
} from "../core/errors.ts";

/** A problem document. */
export interface Problem {
  /** Tells the kinds of problem apart. */
  readonly type: string;
  /** The kind in words, always the same for one `type`. */
  readonly title: string;
  readonly status: number;
  /** What is wrong this time. */
  readonly detail?: string;
}

/** Where faults of this program, and perhaps requests, are written; `console` is one. */
export interface Logger {
  error(message: string, error: unknown): void;
  /** Told of every request answered, with what there is to know of it. Default: nobody is. */
  info?(message: string, properties: Record<string, unknown>): void;
}

const KINDS = {
  "invalid-request": [400, "The request cannot be understood"],
  "undecodable-image": [400, "The image cannot be decoded"],
  "unauthorized": [401, "The token is missing or wrong"],
  "not-found": [404, "There is nothing at this path"],
  "method-not-allowed": [405, "This path does not take this method"],
  "not-acceptable": [406, "No accepted media type can be sent"],
  "slow-request": [408, "The request did not arrive in time"],
  "not-finished": [409, "The job is not finished"],
  "precondition-failed": [412, "A condition of the request does not hold"],
  "image-too-large": [413, "The image is too large"],
  "unsupported-format": [415, "The image's format is not supported"],
  "invalid-option": [422, "An option cannot be served"],
  "too-many-requests": [429, "Too many requests are under way"],
  "rate-limited": [429, "This client has sent too many requests"],
  "cancelled": [499, "The client closed the request"],
  "internal-error": [500, "The service failed"],
  "not-ready": [503, "The service is not ready"],
  "overloaded": [503, "The service is overloaded"],
  "deadline-exceeded": [503, "The work took too long"],
  "shutting-down": [503, "The service is shutting down"],
} as const;

/** The last part of a problem's `type`. */
export type ProblemKind = keyof typeof KINDS;

/** The problem document of a kind. */
export function makeProblem(kind: ProblemKind, detail?: string): Problem {
  const [status, title] = KINDS[kind];
  const type = `urn:problem-type:silop:${kind}`;
  return { type, title, status, ...(detail === undefined ? {} : { detail }) };
}

/** An error that is answered with the problem document of its kind. */
export class ProblemError extends Error {
  override name = "ProblemError";
  readonly kind: ProblemKind;
  readonly headers: Readonly<Record<string, string>>;

  constructor(kind: ProblemKind, detail: string, headers: Record<string, string> = {}) {
    super(detail);
    this.kind = kind;
    this.headers = headers;
  }
}

/** An error that is answered with status 400 and this text. */
export function badRequest(detail: string): HTTPException {
  return new HTTPException(400, { message: detail });
}

/** What to tell a client about anything thrown. */
export function describeError(error: unknown): Problem {
  if (error instanceof ProblemError) return makeProblem(error.kind, error.message);
  if (error instanceof HTTPException) return describeStatus(error.status, error.message);
  if (error instanceof DecodeError) return makeProblem("undecodable-image", error.message);
  if (error instanceof LimitError) return makeProblem("image-too-large", error.message);
  if (error instanceof UnsupportedFormatError) {
    return makeProblem("unsupported-format", error.message);
  }
  if (error instanceof OptionError) return makeProblem("invalid-option", error.message);
  if (error instanceof ModelError || error instanceof DeviceError) {
    return makeProblem("not-ready", "The models could not be loaded");
  }
  return makeProblem("internal-error");
}

/** Sends a problem document. */
export function sendProblem(problem: Problem, headers: Headers = new Headers()): Response {
  headers.set("Content-Type", "application/problem+json");
  headers.set("Cache-Control", "no-store");
  headers.set("X-Content-Type-Options", "nosniff");
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}

/** Answers anything thrown by a handler; faults of this program go to the logger. */
export function problemHandler(logger: Logger): ErrorHandler {
  return (error, c) => {
    const { aborted, reason } = c.req.raw.signal;
    const problem = describeError(error);
    // What aborting throws is no fault; a fault stays one though its client has gone.
    const refused = error instanceof ProblemError || (aborted && error === reason);
    if (problem.status >= 500 && !refused) {
      logger.error(`${c.req.method} ${c.req.path} failed`, error);
    }
    if (aborted) return sendProblem(makeProblem("cancelled"));
    return sendProblem(problem, headersOf(error));
  };
}

function headersOf(error: unknown): Headers | undefined {
  if (error instanceof ProblemError) return new Headers(error.headers);
  return error instanceof HTTPException ? new Headers(error.res?.headers) : undefined;
}

/** Answers paths that do not exist. */
export function notFound(c: Context): Response {
  return sendProblem(makeProblem("not-found", `There is nothing at ${c.req.path}`));
}

/** A handler for the methods a path does not take. */
export function allowOnly(...methods: readonly string[]): (c: Context) => never {
  return (c) => {
    const allow = methods.join(", ");
    throw new HTTPException(405, {
      message: `${c.req.path} takes ${allow}, not ${c.req.method}`,
      res: new Response(null, { headers: { Allow: allow } }),
    });
  };
}

/** The problem of a bare status, such as other people's middleware throws. */
function describeStatus(status: number, detail: string): Problem {
  const kinds = Object.keys(KINDS) as ProblemKind[];
  const kind = kinds.find((name) => KINDS[name][0] === status);
  if (kind !== undefined) return makeProblem(kind, detail || undefined);
  const title = STATUS_CODES[status] ?? "Error";
  return { type: "about:blank", title, status, ...(detail === "" ? {} : { detail }) };
}
