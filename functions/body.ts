/** Request bodies: an image as it is, or as the field `image` of a form. */

import { LimitError } from "../core/errors.ts";
import { badRequest } from "./problem.ts";

/** The field of a `multipart/form-data` body that holds the image. */
export const IMAGE_FIELD = "image";
/** Room for a form's boundaries and other fields beside its image. */
const FORM_ALLOWANCE = 64 * 1024;

/**
 * Reads the image of a request. Any `Content-Type` but `multipart/form-data` is ignored: what the
 * bytes are is told by themselves.
 *
 * @param maxBytes Largest image; a body that says or turns out to be larger is not read further.
 * @throws {LimitError} The image is larger than that.
 * @throws {HTTPException} of status 400: the body is empty, breaks off, or is a form without image.
 */
export async function readImage(request: Request, maxBytes: number): Promise<Uint8Array> {
  const type = request.headers.get("Content-Type") ?? "";
  const isForm = /^multipart\/form-data\s*(;|$)/i.test(type.trim());
  const limit = isForm ? maxBytes + FORM_ALLOWANCE : maxBytes;
  const body = await readBytes(request, limit, maxBytes);
  if (body.length === 0) {
    throw badRequest(`The body is empty; send an image, or a form with the field "${IMAGE_FIELD}"`);
  }
  return isForm ? await readFormImage(body, type, maxBytes) : body;
}

async function readBytes(
  request: Request,
  limit: number,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = () => new LimitError(`Cannot read image: the limit is ${maxBytes} bytes`);
  if (Number(request.headers.get("Content-Length")) > limit) throw tooLarge();
  if (request.body === null) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop early cancels the stream: what follows is not taken from the network.
  for await (const chunk of unbroken(request.body)) {
    size += chunk.length;
    if (size > limit) throw tooLarge();
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** The chunks of a body; that it breaks off is the client's fault. */
async function* unbroken(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw badRequest(`The body breaks off: ${(error as Error).message}`);
  }
}

async function readFormImage(
  body: Uint8Array<ArrayBuffer>,
  type: string,
  maxBytes: number,
): Promise<Uint8Array> {
  let form: FormData;
  try {
    form = await new Response(body, { headers: { "Content-Type": type } }).formData();
  } catch {
    throw badRequest("The form is broken: its parts cannot be told apart");
  }
  const images = form.getAll(IMAGE_FIELD);
  if (images.length !== 1) {
    const others = [...new Set(form.keys())].map((name) => `"${name}"`).join(", ") || "none";
    throw badRequest(
      images.length === 0
        ? `The form has no field "${IMAGE_FIELD}"; its fields: ${others}`
        : `The form has ${images.length} fields "${IMAGE_FIELD}"; send one image at a time`,
    );
  }
  const [image] = images;
  if (typeof image === "string") {
    throw badRequest(`The form's field "${IMAGE_FIELD}" is text; send it as a file`);
  }
  if (image!.size === 0) throw badRequest(`The form's field "${IMAGE_FIELD}" is an empty file`);
  if (image!.size > maxBytes) {
    throw new LimitError(`Cannot read image: it has ${image!.size} bytes, limit is ${maxBytes}`);
  }
  return new Uint8Array(await image!.arrayBuffer());
}
