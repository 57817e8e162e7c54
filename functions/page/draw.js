/** Pictures: the photo, and over it what a stage has found. */

import { scaleColours, shownColour } from "./colours.js";

/** Lines of SLIC's perimeters, of quickshift's, of both. */
const LINE_COLOURS = [[255, 221, 51], [51, 204, 255], [255, 255, 255]];

/**
 * Draws everything into a canvas of the size it has.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {ImageBitmap | null} photo `null`: the browser cannot show it.
 * @param {ReturnType<typeof import("./result.js").describeResult> | null} result
 * @param {{ layer: string, opacity: number, hidden: Set<number>, colours: string, lines: boolean }} view
 */
export function draw(canvas, photo, result, view) {
  const { width, height } = canvas;
  const context = canvas.getContext("2d");
  context.fillStyle = "#777";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  if (photo) context.drawImage(photo, 0, 0, width, height);
  if (!result) return;
  const layer = result.layers.find(({ name }) => name === view.layer);
  if (layer) lay(context, paint(layer, result, view), layer.kind === "heat");
  if (view.lines && result.lines.length > 0) lay(context, paintLines(result.lines), false);
}

/** Lays pixels over the canvas, at its size. */
function lay(context, pixels, smooth) {
  const sheet = document.createElement("canvas");
  sheet.width = pixels.width;
  sheet.height = pixels.height;
  sheet.getContext("2d").putImageData(pixels, 0, 0);
  // Labels stay sharp where they are enlarged; where they are reduced, smoothing saves thin lines.
  context.imageSmoothingEnabled = smooth || pixels.width > context.canvas.width;
  context.drawImage(sheet, 0, 0, context.canvas.width, context.canvas.height);
  context.imageSmoothingEnabled = true;
}

function paint({ kind, array }, result, view) {
  if (kind === "heat") return paintHeat(array, result.classes, view);
  return paintLabels(array, view, kind === "mask", result.colours);
}

/** A colour for every label, and its full strength along the edges of masks. */
function paintLabels({ shape: [height, width], data }, { opacity, hidden }, isMask, own) {
  const pixels = new ImageData(width, height);
  const out = new Uint32Array(pixels.data.buffer);
  const alphas = Array.from({ length: 256 }, (_, label) => {
    if (!isMask) return opacity;
    return label === 0 || hidden.has(label) ? 0 : label === 255 ? opacity / 2 : opacity;
  });
  // Regions are numbered from 0, which is no background and wants a colour as well.
  const colourOf = (label) => isMask ? shownColour(label, own) : shownColour(label + 1 & 255);
  const colours = alphas.map((alpha, label) => pack(colourOf(label), alpha));
  const full = alphas.map((alpha, label) => pack(colourOf(label), alpha > 0 ? 1 : 0));
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++, p++) {
      const label = data[p];
      const isEdge = isMask && label !== 255 && (
        x > 0 && data[p - 1] !== label || x < width - 1 && data[p + 1] !== label ||
        y > 0 && data[p - width] !== label || y < height - 1 && data[p + width] !== label
      );
      out[p] = (isEdge ? full : colours)[label];
    }
  }
  return pixels;
}

/** The strongest of the classes shown, as heat: the weaker, the more of the photo is seen. */
function paintHeat({ shape: [, height, width], data }, classes, { opacity, hidden, colours }) {
  const pixels = new ImageData(width, height);
  const out = new Uint32Array(pixels.data.buffer);
  const size = width * height;
  const planes = classes.flatMap(({ index }, k) =>
    hidden.has(index) ? [] : [data.subarray(k * size, (k + 1) * size)]
  );
  const scale = scaleColours(colours);
  const table = Array.from({ length: 256 }, (_, value) => {
    const alpha = opacity * Math.min(1, 0.25 + value / 160);
    return pack(scale.subarray(3 * value, 3 * value + 3), alpha);
  });
  for (let p = 0; p < size; p++) {
    let most = 0;
    for (const plane of planes) if (plane[p] > most) most = plane[p];
    out[p] = table[Math.min(255, Math.round(255 * most))];
  }
  return pixels;
}

function paintLines(lines) {
  const [height, width] = lines[0].array.shape;
  const pixels = new ImageData(width, height);
  const out = new Uint32Array(pixels.data.buffer);
  const colours = [0, ...LINE_COLOURS.map((colour) => pack(colour, 1))];
  for (const { array: { data }, bit } of lines) {
    for (let p = 0; p < out.length; p++) if (data[p] > 0) out[p] |= bit;
  }
  for (let p = 0; p < out.length; p++) out[p] = colours[out[p]];
  return pixels;
}

/** A pixel as `ImageData` stores it, on machines that store the lowest byte first: all of today's. */
function pack([red, green, blue], alpha) {
  return (Math.round(255 * alpha) << 24 | blue << 16 | green << 8 | red) >>> 0;
}
