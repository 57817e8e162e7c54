/** CAMs of a model whose classes are in another order than the data set's, or more. */

import type { Planes } from "../raster.ts";
import type { CamFile } from "./codecs.ts";

/**
 * Numbers the classes of CAMs as a data set does. Maps of classes that the data set does not have are left
 * out.
 *
 * @param from Names of the classes that the CAMs are numbered by; class `c` is `from[c - 1]`.
 * @param to Names of the data set's classes.
 */
export function renumberClasses<Maps extends CamFile>(
  maps: Maps,
  from: readonly string[],
  to: readonly string[],
): Maps {
  if (from.length === to.length && from.every((name, i) => name === to[i])) return maps;
  const kept = maps.keys.slice(1)
    .map((key, plane) => ({ plane, key: to.indexOf(from[key - 1]!) + 1 }))
    .filter(({ key }) => key > 0)
    .sort((a, b) => a.key - b.key);
  const pick = (planes: Planes): Planes => {
    const size = planes.width * planes.height;
    const data = new Float32Array(kept.length * size);
    kept.forEach(({ plane }, i) => {
      data.set(planes.data.subarray(plane * size, (plane + 1) * size), i * size);
    });
    return { ...planes, channels: kept.length, data };
  };
  const keys = [0, ...kept.map(({ key }) => key)];
  return { ...maps, keys, cam: pick(maps.cam), hrCam: pick(maps.hrCam) };
}
