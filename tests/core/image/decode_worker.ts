/// <reference lib="deno.worker" />
import { decodeImage } from "../../../core/image/mod.ts";

/** Answers every file with its upright size, or the name and text of the error. */
self.onmessage = async (event: MessageEvent<Uint8Array>) => {
  try {
    const image = await decodeImage(event.data);
    self.postMessage([image.width, image.height]);
  } catch (error) {
    self.postMessage(String(error));
  }
};
