/** Colours of classes and of heat. */

/**
 * The colour of a label, 0..255, in masks that are saved, as `[r, g, b]`: PASCAL VOC's but where the model has
 * its own.
 *
 * @param {number[][] | null} own colours of the labels 0, 1, …
 */
export function labelColour(label, own = null) {
  if (own?.[label]) return own[label];
  const colour = [0, 0, 0];
  for (let bit = 0; bit < 8; bit++) colour[bit % 3] |= (label >> bit & 1) << 7 - (bit / 3 | 0);
  return colour;
}

/**
 * The colour a label is shown in, as `[r, g, b]`: the model's own, if it has any; VOC's are too dark to lie over
 * a photo. Hues go round by the golden angle, so that neighbours differ.
 *
 * @param {number[][] | null} own colours of the labels 0, 1, …
 */
export function shownColour(label, own = null) {
  if (own?.[label]) return own[label];
  const hue = label * 137.508 + 190;
  const channel = (offset) => {
    const place = (offset + hue / 30) % 12;
    return Math.round(255 * (0.56 - 0.38 * Math.max(-1, Math.min(place - 3, 9 - place, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

/** Colours along a scale from 0 to 1, evenly spaced. */
const SCALES = {
  Inferno: ["000004", "420a68", "932667", "dd513a", "fca50a", "fcffa4"],
  Viridis: ["440154", "414487", "2a788e", "22a884", "7ad151", "fde725"],
  Ice: ["04051a", "2c3162", "3e6ea8", "4fa6c4", "98d3d8", "eafcfd"],
  Grey: ["000000", "ffffff"],
};

export const SCALE_NAMES = Object.keys(SCALES);

/** 256 colours of a scale, R G B R G B …. */
export function scaleColours(name) {
  const stops = SCALES[name].map((hex) =>
    [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16))
  );
  const colours = new Uint8Array(3 * 256);
  for (let i = 0; i < 256; i++) {
    const place = i / 255 * (stops.length - 1);
    const from = Math.min(Math.floor(place), stops.length - 2);
    for (let c = 0; c < 3; c++) {
      colours[3 * i + c] = Math.round(
        stops[from][c] + (place - from) * (stops[from + 1][c] - stops[from][c]),
      );
    }
  }
  return colours;
}
