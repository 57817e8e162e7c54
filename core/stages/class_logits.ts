/** Logits of a network's classes, on their way from its cells to masks and probabilities. */

import { argmaxAbove } from "../../kernels/cam_maps.ts";
import { interpolateBilinear } from "../../kernels/interpolate.ts";
import { softmaxOfSome } from "../../kernels/segment_logits.ts";
import type { Size } from "./cam.ts";

/** Logits of some channels: `C×height×width` cells. */
export interface Logits extends Size {
  readonly data: Float32Array;
  /** Pixels per cell of the image that the network saw. */
  readonly stride: number;
  /** Size of that image, which may end within a cell. */
  readonly image: Size;
}

/** Logits of all looks, enlarged to one size and added. */
export function sumLogits(looks: readonly Logits[], channels: number, work: Size): Logits {
  const sum = new Float32Array(channels * work.width * work.height);
  const add = ({ data, width, height }: Logits, full: Size) =>
    interpolateBilinear(data, channels, height, width, full.height, full.width, {
      cropHeight: work.height,
      cropWidth: work.width,
      out: sum,
      accumulate: true,
    });
  for (const look of looks) {
    const { image } = look;
    if (image.width === work.width && image.height === work.height) {
      add(look, { width: look.width * look.stride, height: look.height * look.stride });
    } else add(atFullSize(look, channels), work);
  }
  return { data: sum, ...work, stride: 1, image: work };
}

/** Logits enlarged to the image that the network saw. */
export function atFullSize(look: Logits, channels: number): Logits {
  const { data, width, height, stride, image } = look;
  if (stride === 1) return look;
  const options = { cropHeight: image.height, cropWidth: image.width };
  const full = [height * stride, width * stride] as const;
  const enlarged = interpolateBilinear(data, channels, height, width, ...full, options);
  return { data: enlarged, ...image, stride: 1, image };
}

/** Planes of some channels: the beginning of the array itself where they are its first ones. */
export function pickPlanes(
  maps: Float32Array,
  channels: readonly number[],
  cells: number,
): Float32Array {
  const count = channels.length * cells;
  if (channels.at(-1) === channels.length - 1) return maps.subarray(0, count);
  const chosen = new Float32Array(count);
  channels.forEach((channel, i) => {
    chosen.set(maps.subarray(channel * cells, (channel + 1) * cells), i * cells);
  });
  return chosen;
}

/** The likeliest channel of every pixel of the full image. */
export function likeliest(
  { data, width, height, stride, image }: Logits,
  channels: readonly number[],
  full: Size,
): Uint8Array {
  const labels = Uint8Array.from(channels);
  const covered = { width: image.width / stride, height: image.height / stride };
  return argmaxAbove(data, labels, width, height, full.width, full.height, -Infinity, covered);
}

/**
 * How probable some classes are among all channels, at the working size. Holds no more of that size than
 * the result and a few planes, however many channels there are.
 *
 * @param keys Classes among `channels`.
 * @param checkpoint Called between planes.
 * @returns `K×H×W`, `work` being `H×W`.
 */
export function probabilitiesOf(
  keys: readonly number[],
  logits: Logits,
  channels: readonly number[],
  work: Size,
  checkpoint: () => void,
): Float32Array {
  const { data, stride, width, height } = logits;
  const cells = width * height;
  const fits = stride === 1 && width === work.width && height === work.height;
  const planeOf = (channel: number) => {
    checkpoint();
    const plane = data.subarray(channel * cells, (channel + 1) * cells);
    return fits ? plane : sumLogits([{ ...logits, data: plane }], 1, work).data;
  };
  const places = keys.map((key) => channels.indexOf(key));
  return softmaxOfSome(planeOf, channels.length, places, work.width * work.height);
}
