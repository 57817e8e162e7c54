/**
 * Changes of a photograph's colours that are linear in its pixels, as one 3×3 matrix and an offset:
 * brightness, contrast, saturation and hue, in this order, rounded and cut to bytes once at the end.
 */

/** How colours are changed. Factors: 1 leaves all as it is. */
export interface ColourChange {
  /** Factor of all values. */
  readonly brightness: number;
  /** Factor of the distance to the image's mean grey; 0 leaves a grey plane. */
  readonly contrast: number;
  /** Factor of the distance to the pixel's own grey; 0 leaves a grey image. */
  readonly saturation: number;
  /** Turn of the colour circle, in turns: 0.5 makes red cyan. The brightness of a pixel is kept. */
  readonly hue: number;
}

/** Rec. 601 luma. */
const LUMA = [0.299, 0.587, 0.114] as const;
/** From RGB to the I and Q of NTSC's YIQ, the plane in which hues are turned. */
const I = [0.595716, -0.274453, -0.321263] as const;
const Q = [0.211456, -0.522591, 0.311135] as const;
/** What I and Q add to R, G and B. */
const FROM_I = [0.9563, -0.2721, -1.107] as const;
const FROM_Q = [0.621, -0.6474, 1.7046] as const;

/**
 * Changes the colours of interleaved RGB bytes in place.
 *
 * @param rgb `N×3`
 * @throws {TypeError} when the length is no multiple of three
 */
export function jitterColours(rgb: Uint8Array, change: ColourChange): void {
  if (rgb.length % 3 !== 0) throw new TypeError(`${rgb.length} bytes are no RGB pixels`);
  const { brightness, contrast } = change;
  const [rr, rg, rb, gr, gg, gb, br, bg, bb] = chromaMatrix(change).map((v) =>
    v * brightness * contrast
  ) as [number, number, number, number, number, number, number, number, number];
  const offset = (1 - contrast) * brightness * meanGrey(rgb) + 0.5;
  for (let i = 0; i < rgb.length; i += 3) {
    const r = rgb[i]!;
    const g = rgb[i + 1]!;
    const b = rgb[i + 2]!;
    rgb[i] = toByte(rr * r + rg * g + rb * b + offset);
    rgb[i + 1] = toByte(gr * r + gg * g + gb * b + offset);
    rgb[i + 2] = toByte(br * r + bg * g + bb * b + offset);
  }
}

/**
 * Saturation and hue: luma is kept, the rest scaled and turned. Greys stay what they are, so brightness
 * and contrast can be applied at any moment.
 */
function chromaMatrix({ saturation, hue }: ColourChange): number[] {
  const cos = saturation * Math.cos(2 * Math.PI * hue);
  const sin = saturation * Math.sin(2 * Math.PI * hue);
  const matrix: number[] = [];
  for (let row = 0; row < 3; row++) {
    for (let column = 0; column < 3; column++) {
      if (hue === 0) {
        const own = row === column ? 1 : 0;
        matrix.push(LUMA[column]! + saturation * (own - LUMA[column]!));
        continue;
      }
      const i = cos * I[column]! - sin * Q[column]!;
      const q = sin * I[column]! + cos * Q[column]!;
      matrix.push(LUMA[column]! + FROM_I[row]! * i + FROM_Q[row]! * q);
    }
  }
  return matrix;
}

function meanGrey(rgb: Uint8Array): number {
  let r = 0;
  let g = 0;
  let b = 0;
  for (let i = 0; i < rgb.length; i += 3) {
    r += rgb[i]!;
    g += rgb[i + 1]!;
    b += rgb[i + 2]!;
  }
  const pixels = Math.max(1, rgb.length / 3);
  return (LUMA[0] * r + LUMA[1] * g + LUMA[2] * b) / pixels;
}

/** Cuts off; the half that rounds has been added already. */
function toByte(value: number): number {
  return value <= 0 ? 0 : value >= 255 ? 255 : Math.trunc(value);
}
