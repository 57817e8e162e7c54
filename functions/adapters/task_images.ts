/** The images of Label Studio's tasks. */

import { LimitError, OptionError } from "../../core/errors.ts";
import { readBase64 } from "./json_body.ts";

/** Where images may be fetched from. */
export interface LabelStudioServer {
  /** Its address; images are fetched from nowhere else. */
  readonly url: string;
  /** Token of a user who may see the images: a personal access token, or one of the older kind. */
  readonly token?: string;
}

const DATA_URI = /^data:[^,]*;base64,/i;
const TIMEOUT_MS = 10_000;

/**
 * The image of a task: one written into the task as a `data:` address, or one that is on a Label Studio server
 * named by whoever runs this service. What a request itself says of servers is not looked at.
 *
 * @throws {OptionError} It is somewhere else, or cannot be fetched.
 * @throws {LimitError} It has more than `maxBytes`.
 */
export async function readTaskImage(
  address: unknown,
  { server, maxBytes, signal }: {
    server: LabelStudioServer | undefined;
    maxBytes: number;
    signal: AbortSignal;
  },
): Promise<Uint8Array> {
  if (typeof address !== "string") throw new OptionError("it has no image");
  const head = DATA_URI.exec(address);
  if (head !== null) return readBase64(address.slice(head[0].length), maxBytes, "its image");
  if (server === undefined) {
    throw new OptionError(
      "its image is an address, and this service was not told which server to fetch images from",
    );
  }
  const url = URL.canParse(address, server.url) ? new URL(address, server.url) : null;
  const { origin } = new URL(server.url);
  if (url === null || url.origin !== origin) {
    throw new OptionError(`its image is not on ${origin}, the only server asked`);
  }
  return await fetchImage(url, server, maxBytes, signal);
}

async function fetchImage(
  url: URL,
  server: LabelStudioServer,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  try {
    const response = await fetch(url, {
      headers: await authorization(server, limited),
      // Another address could be anywhere.
      redirect: "error",
      signal: limited,
    });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw new OptionError(`its image was answered with status ${response.status}`);
    }
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body) {
      size += chunk.length;
      if (size > maxBytes) {
        throw new LimitError(`Cannot read image: the limit is ${maxBytes} bytes`);
      }
      chunks.push(chunk);
    }
    const bytes = new Uint8Array(size);
    let at = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof LimitError || error instanceof OptionError) throw error;
    throw new OptionError(`its image cannot be fetched: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Personal access tokens, which are JSON web tokens, are changed for one that lasts some minutes. */
async function authorization(
  { url, token }: LabelStudioServer,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  if (token === undefined) return {};
  if (token.split(".").length !== 3) return { Authorization: `Token ${token}` };
  const response = await fetch(new URL("/api/token/refresh", url), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ refresh: token }),
    redirect: "error",
    signal,
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new OptionError("its image cannot be fetched: the access token is refused");
  }
  const { access } = await response.json() as { access: string };
  return { Authorization: `Bearer ${access}` };
}
