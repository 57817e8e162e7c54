/** JSON bodies with images in them. */

import { Buffer } from "node:buffer";
import type { z } from "@hono/zod-openapi";
import { LimitError } from "../../core/errors.ts";
import { readBytes } from "../body.ts";
import { badRequest } from "../problem.ts";

/** Room for what stands beside images. */
const ALLOWANCE = 1024 * 1024;

/**
 * Reads a JSON body of a form.
 *
 * @param schema What it must be like.
 * @param maxBytes Largest image in it, before it was written in base64.
 * @throws {LimitError} The body is larger than such an image makes it.
 * @throws {HTTPException} of status 400: it is no JSON, or of another form.
 */
export async function readJson<Schema extends z.ZodType>(
  request: Request,
  schema: Schema,
  maxBytes: number,
  signal: AbortSignal,
): Promise<z.output<Schema>> {
  const limit = Math.ceil(maxBytes * 4 / 3) + ALLOWANCE;
  const bytes = await readBytes(request, limit, maxBytes, signal);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw badRequest(`The body is no JSON: ${(error as Error).message}`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue!.path.join(".");
  throw badRequest(`The body${where === "" ? "" : `'s ${where}`}: ${issue!.message}`);
}

/**
 * The bytes of an image written in base64.
 *
 * @param where What holds it, for the message.
 * @throws {LimitError} There are more than `maxBytes`.
 * @throws {HTTPException} of status 400: it is no base64, or empty.
 */
export function readBase64(text: string, maxBytes: number, where: string): Uint8Array {
  // Told apart by its characters alone; the decoder skips what is none of them.
  if (!/^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(text)) throw badRequest(`${where} is no base64`);
  const bytes = Buffer.from(text, "base64");
  if (bytes.length > maxBytes) {
    throw new LimitError(`Cannot read image: it has ${bytes.length} bytes, limit is ${maxBytes}`);
  }
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
