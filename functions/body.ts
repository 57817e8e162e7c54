/** Request bodies: an image as it is, or as the field `image` of a form. */

import { LimitError } from "../core/errors.ts";
import { type FormPart, splitForm } from "./multipart.ts";
import { badRequest } from "./problem.ts";

/** The field of a `multipart/form-data` body that holds the image. */
export const IMAGE_FIELD = "image";
/** Room for a form's boundaries and other fields beside its image. */
const FORM_ALLOWANCE = 64 * 1024;
/** Bytes to make room for before any have come. */
const FIRST_ROOM = 64 * 1024;

/**
 * Reads the image of a request. Any `Content-Type` but `multipart/form-data` is ignored: what the
 * bytes are is told by themselves.
 *
 * @param maxBytes Largest image; a body that says or turns out to be larger is not read further.
 * @param signal Aborting ends the reading; its reason is thrown.
 * @throws {LimitError} The image is larger than that.
 * @throws {HTTPException} of status 400: the body is empty, breaks off, or is a form without image,
 * of more than 16 parts, or not well-formed.
 */
export async function readImage(
  request: Request,
  maxBytes: number,
  signal: AbortSignal = request.signal,
): Promise<Uint8Array> {
  const type = request.headers.get("Content-Type") ?? "";
  const isForm = /^multipart\/form-data\s*(;|$)/i.test(type.trim());
  const limit = isForm ? maxBytes + FORM_ALLOWANCE : maxBytes;
  const body = await readBytes(request, limit, maxBytes, signal);
  if (body.length === 0) {
    throw badRequest(`The body is empty; send an image, or a form with the field "${IMAGE_FIELD}"`);
  }
  return isForm ? readFormImage(body, type, maxBytes) : body;
}

/**
 * The bytes of a body; throws as {@linkcode readImage} does.
 *
 * @param limit Most bytes of the body.
 * @param maxBytes Most bytes of its image, for the message.
 */
export async function readBytes(
  request: Request,
  limit: number,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = () => new LimitError(`Cannot read image: the limit is ${maxBytes} bytes`);
  if (Number(request.headers.get("Content-Length")) > limit) throw tooLarge();
  if (request.body === null) return new Uint8Array(0);
  // One buffer that grows, not a list: a body may come in millions of chunks of a byte each.
  let buffer = new ArrayBuffer(Math.min(limit, FIRST_ROOM));
  let size = 0;
  // Leaving the loop early cancels the stream: what follows is not taken from the network.
  for await (const chunk of unbroken(request.body, signal)) {
    const end = size + chunk.length;
    if (end > limit) throw tooLarge();
    if (end > buffer.byteLength) {
      buffer = buffer.transfer(Math.min(limit, Math.max(end, 2 * buffer.byteLength)));
    }
    new Uint8Array(buffer).set(chunk, size);
    size = end;
  }
  return new Uint8Array(buffer.transfer(size));
}

/** The chunks of a body until the signal aborts; that it breaks off is the client's fault. */
async function* unbroken(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  // What waits for the next chunk is then told that there is none.
  const cancel = () => void reader.cancel(signal.reason).catch(() => {});
  signal.addEventListener("abort", cancel, { once: true });
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return;
      yield value;
    }
  } catch (error) {
    // Of a client that has gone the body's end is told first.
    await new Promise((resolve) => setTimeout(resolve));
    signal.throwIfAborted();
    throw badRequest(`The body breaks off: ${(error as Error).message}`);
  } finally {
    signal.removeEventListener("abort", cancel);
    cancel();
  }
}

function readFormImage(body: Uint8Array, type: string, maxBytes: number): Uint8Array {
  const parts = split(body, type);
  const images = parts.filter(({ name }) => name === IMAGE_FIELD);
  const [image] = images;
  if (image === undefined) {
    const others = [...new Set(parts.map(({ name }) => `"${shorten(name)}"`))].join(", ");
    throw badRequest(`The form has no field "${IMAGE_FIELD}"; its fields: ${others || "none"}`);
  }
  if (images.length > 1) {
    throw badRequest(
      `The form has ${images.length} fields "${IMAGE_FIELD}"; send one image at a time`,
    );
  }
  if (!image.isFile) {
    throw badRequest(`The form's field "${IMAGE_FIELD}" is text; send it as a file`);
  }
  const size = image.content.length;
  if (size === 0) throw badRequest(`The form's field "${IMAGE_FIELD}" is an empty file`);
  if (size > maxBytes) {
    throw new LimitError(`Cannot read image: it has ${size} bytes, limit is ${maxBytes}`);
  }
  return image.content;
}

function split(body: Uint8Array, type: string): FormPart[] {
  try {
    return splitForm(body, type);
  } catch (error) {
    throw badRequest(`The form is broken: ${(error as Error).message}`);
  }
}

/** A name fit to be told back. */
function shorten(name: string): string {
  return name.length > 40 ? `${name.slice(0, 40)}…` : name;
}
