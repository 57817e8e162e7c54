/** Entity tags (RFC 9110, §8.8.3): names of answers by what they are made of. */

import type { Context } from "hono";
import type { Silop } from "../core/silop.ts";

/** Changes whenever the same image and options may give another answer. */
const EDITION = 2;

/**
 * The entity tag of a stage's answer, known before the work is done: of the image, the options, the form of the
 * answer and the models. It is weak, since times in an answer differ, and other machines round differently.
 */
export async function answerTag(
  silop: Silop,
  image: Uint8Array,
  ...wanted: readonly unknown[]
): Promise<string> {
  const { camModel, affinityModel, segmentationModel, allowedModels } = await silop.ready;
  // All that manifests say, not checksums alone: thresholds and colours count as well.
  const models = [camModel, affinityModel, segmentationModel, allowedModels];
  const text = new TextEncoder().encode(JSON.stringify([EDITION, models, wanted]));
  // The crypto of the web works beside the thread that answers requests.
  const digests = await Promise.all([sha256(image), sha256(text)]);
  const both = new Uint8Array(64);
  digests.forEach((digest, i) => both.set(new Uint8Array(digest), 32 * i));
  const tag = new Uint8Array(await sha256(both)).subarray(0, 15);
  return `W/"${btoa(String.fromCharCode(...tag)).replaceAll("+", "-").replaceAll("/", "_")}"`;
}

function sha256(bytes: Uint8Array): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
}

/**
 * Whether `If-None-Match` names an entity tag, by the weak comparison of RFC 9110, §8.8.3.2.
 *
 * @param any Whether `*` does.
 */
export function isKnown(c: Context, tag: string, any = true): boolean {
  const known = c.req.header("If-None-Match");
  if (known === undefined) return false;
  if (known.trim() === "*") return any;
  const opaque = tag.replace(/^W\//, "");
  return known.split(",").some((each) => each.trim().replace(/^W\//, "") === opaque);
}
