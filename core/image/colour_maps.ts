/** Colour maps: palettes that give every value 0..255 a colour. */

import { greyPalette } from "./palette.ts";

/** The colour maps there are. */
export const COLOUR_MAPS = ["grey", "viridis", "magma", "inferno", "turbo"] as const;
export type ColourMap = typeof COLOUR_MAPS[number];

/**
 * Colours of the maps at 33 equal steps from 0 to 255, R G B in hexadecimal: viridis, magma and inferno are by
 * S. van der Walt and N. Smith (2015, CC0), turbo is by A. Mikhailov (2019). In between, colours are blended,
 * which is within 3 levels of the published 256.
 */
const STEPS: Readonly<Record<Exclude<ColourMap, "grey">, string>> = {
  viridis: "440154470d6048186a482374472d7b4537814240863e49893b528b375b8d33638d" +
    "2f6b8e2c728e297a8e26828e23898e21918c1f978b1f9f8821a68527ad8131b57b" +
    "3dbc744cc26c5cc8636ece5881d34d95d840aadc32c0df25d5e21aeae51afde725",
  magma: "0000040303120a0822130d341d114729115a36106b440f7651127c5d177f6a1c81" +
    "762181832681902a819c2e7faa337db73779c23b75cf4070db476ae55064ee5b5e" +
    "f4695cf9785dfb8761fd9668fea571feb47bfec287fed194fde0a1fceeb0fcfdbf",
  inferno: "0000040403120b0724150b37210c4a2f0a5b3d09654a0c6b57106e64156e71196e" +
    "7d1e6d8a226a972766a32c61b0315bbc3754c63d4dd04545da4e3ce35933eb6429" +
    "f1711ff67e14f98c0afb9b06fcaa0ffbba1ff9c932f5d949f2e865f3f586fcffa4",
  turbo: "30123b392a734040a24456c7466be34680f64294ff37a8fa28bceb1ccdd818ddc2" +
    "1fe9af32f2984ef97d6dfe628bff4ba4fc3cb7f735cbed34dde037ecd13af7c13a" +
    "fdae35fe992cfb8122f56918ec530fe14109d23105c12302ac1701950d017a0403",
};

/** The 256 colours of a map, R G B R G B …. */
export function colourMapPalette(name: ColourMap): Uint8Array {
  if (name === "grey") return greyPalette();
  const steps = Uint8Array.fromHex(STEPS[name]);
  const palette = new Uint8Array(768);
  const last = steps.length / 3 - 1;
  for (let level = 0, at = 0; level < 256; level++) {
    while (at < last - 1 && stepAt(at + 1, last) <= level) at++;
    const from = stepAt(at, last);
    const share = (level - from) / (stepAt(at + 1, last) - from);
    for (let c = 0; c < 3; c++) {
      const below = steps[3 * at + c]!;
      palette[3 * level + c] = Math.round(below + share * (steps[3 * at + 3 + c]! - below));
    }
  }
  return palette;
}

/** The level at which a step's colour stands. */
function stepAt(step: number, last: number): number {
  return Math.round(255 * step / last);
}
