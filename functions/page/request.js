/** Requests to the service, and its errors in plain words. */

import { readNpz } from "./npz.js";

/** What went wrong, for people to read. */
export class Problem extends Error {
  constructor(title, hint, { detail = "", status = 0, canRetry = false } = {}) {
    super(title);
    Object.assign(this, { hint, detail, status, canRetry });
  }
}

const FORMATS = "Choose a JPEG, PNG, WebP, GIF or TIFF.";
/** By the last part of a problem's `type`: a title and what to do about it. */
const KINDS = {
  "undecodable-image": ["This file cannot be read", `It seems to be damaged. ${FORMATS}`],
  "unsupported-format": ["This kind of file is not supported", FORMATS],
  "image-too-large": ["This photo is too large", "Choose a smaller one, or reduce it first."],
  "invalid-option": ["These options do not work together", "Change them and try again."],
  "invalid-request": ["These options are not understood", "Change them and try again."],
  "not-ready": ["The models are still being loaded", "Try again in a moment."],
};
const STATUSES = {
  401: ["This service asks for a token", "Whoever runs it can give you one."],
  403: ["This is not allowed", "Whoever runs the service can tell why."],
  413: KINDS["image-too-large"],
  429: ["The service is busy", "Others are being served first."],
  503: ["The service is busy", "Others are being served first."],
  504: ["This took too long", "A smaller photo or another stage may do."],
};

/** The query of a request: options that are set, and the form of the answer. */
export function makeQuery({ mode, labels, method }, format) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ mode, labels, method, format })) {
    if (value) query.set(name, value);
  }
  return String(query).replaceAll("%2C", ",");
}

/**
 * Sends a photo through a stage.
 *
 * @returns its arrays, the times the service tells, and the milliseconds until the answer was there.
 * @throws {Problem}
 */
export async function runStage(photo, stage, options, { signal, token }) {
  const start = performance.now();
  const response = await send(`${stage}?${makeQuery(options, "npz")}`, {
    method: "POST",
    body: photo,
    headers: token ? { Authorization: `Bearer ${token}` } : {},
    signal,
  });
  if (!response.ok) throw await readProblem(response);
  const arrays = await readNpz(await response.arrayBuffer());
  return {
    arrays,
    times: readTimes(response.headers.get("Server-Timing") ?? ""),
    taken: performance.now() - start,
  };
}

async function send(path, init) {
  try {
    return await fetch(path, init);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("The service cannot be reached", "Is it running, and are you connected?", {
      canRetry: true,
    });
  }
}

async function readProblem(response) {
  const { status } = response;
  const body = await response.json().catch(() => ({}));
  const kind = String(body.type ?? "").split(":").at(-1);
  const [title, hint] = KINDS[kind] ?? STATUSES[status] ?? [
    "The service failed",
    "It is not the photo's fault. Try again, or tell whoever runs the service.",
  ];
  const wait = Number(response.headers.get("Retry-After"));
  return new Problem(title, wait > 0 ? `${hint} Try again in ${wait} s.` : hint, {
    detail: body.detail ?? body.title ?? "",
    status,
    canRetry: status >= 500 || status === 429,
  });
}

/** The parts of `Server-Timing`: names and milliseconds. */
export function readTimes(header) {
  return header.split(",").flatMap((part) => {
    const [, name, milliseconds] = /^\s*([\w-]+).*;\s*dur=([\d.]+)/.exec(part) ?? [];
    return name === undefined ? [] : [{ name, milliseconds: Number(milliseconds) }];
  });
}

/** The same request as a command for a POSIX shell. */
export function curlCommand(stage, options, fileName, token) {
  const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const address = new URL(`${stage}?${makeQuery(options, "overlay")}`, document.baseURI);
  return [
    "curl",
    ...(token ? [`-H "Authorization: Bearer $TOKEN"`] : []),
    `--data-binary ${quote(`@${fileName}`)}`,
    quote(address.href),
    "-o overlay.png",
  ].join(" ");
}
