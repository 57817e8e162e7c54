/**
 * Normally distributed noise from a seed: the numbers of NumPy's `default_rng(seed).normal()`.
 *
 * Three parts make them: NumPy's SeedSequence spreads the seed over 256 bits, PCG64 (M. O'Neill,
 * "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms", 2014; 128-bit
 * linear congruence, XSL-RR output) turns these into 64-bit numbers, and a ziggurat of 256 strips
 * (G. Marsaglia and W. W. Tsang, "The Ziggurat Method for Generating Random Variables", 2000) turns
 * those into normal deviates.
 */

/** PCG64's multiplier in limbs of 16 bits, the lowest first. */
const M0 = 0xf645;
const M1 = 0x9fcc;
const M2 = 0xdf64;
const M3 = 0x4385;
const M4 = 0x5da4;
const M5 = 0x1fc6;
const M6 = 0xed05;
const M7 = 0x2360;

const LIMB = 65536;
const PER_LIMB = 1 / LIMB;

/** Start of the ziggurat's tail, and the area of each of its strips. */
const TAIL = 3.6541528853610088;
const AREA = 0.00492867323397465493;
const STRIPS = 256;

/** Edges of the strips: thresholds and widths for 52-bit integers, and the curve's heights. */
interface Ziggurat {
  readonly inside: Float64Array;
  readonly width: Float64Array;
  readonly height: Float64Array;
}

let ziggurat: Ziggurat | undefined;

function makeZiggurat(): Ziggurat {
  const inside = new Float64Array(STRIPS);
  const width = new Float64Array(STRIPS);
  const height = new Float64Array(STRIPS);
  const unit = 2 ** 52;
  const curve = (x: number) => Math.exp(-0.5 * x * x);
  let x = TAIL;
  const base = AREA / curve(x);
  inside[0] = Math.floor(x / base * unit);
  width[0] = base / unit;
  height[0] = 1;
  width[STRIPS - 1] = x / unit;
  height[STRIPS - 1] = curve(x);
  for (let i = STRIPS - 2; i >= 1; i--) {
    const outer = x;
    x = Math.sqrt(-2 * Math.log(AREA / x + curve(x)));
    inside[i + 1] = Math.floor(x / outer * unit);
    width[i] = x / unit;
    height[i] = curve(x);
  }
  return { inside, width, height };
}

/** NumPy's default generator, seeded. */
export class Pcg64 {
  /** State and increment: four limbs of 32 bits each, the lowest first. */
  #state = new Uint32Array(4);
  #increment = new Uint32Array(4);
  /** Halves of the last 64-bit output. */
  #high = 0;
  #low = 0;

  /**
   * @param seed A whole number, 0..2³²-1.
   * @throws {RangeError} `seed` is anything else.
   */
  constructor(seed: number) {
    if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)) {
      throw new RangeError(`Cannot seed PCG64: ${seed} is not a whole number below 2^32`);
    }
    const words = spreadSeed(seed);
    // 64-bit words, the high one of each 128-bit number first: state, then stream.
    const start = Uint32Array.of(words[2]!, words[3]!, words[0]!, words[1]!);
    const stream = Uint32Array.of(words[6]!, words[7]!, words[4]!, words[5]!);
    for (let i = 3; i >= 0; i--) {
      this.#increment[i] = (stream[i]! << 1) | (i > 0 ? stream[i - 1]! >>> 31 : 1);
    }
    this.#advance();
    let carry = 0;
    for (let i = 0; i < 4; i++) {
      const sum = this.#state[i]! + start[i]! + carry;
      this.#state[i] = sum;
      carry = sum >= 2 ** 32 ? 1 : 0;
    }
    this.#advance();
  }

  /** state := state · multiplier + increment, modulo 2^128. */
  #advance(): void {
    const state = this.#state;
    const increment = this.#increment;
    const a = state[0]!;
    const b = state[1]!;
    const c = state[2]!;
    const d = state[3]!;
    // Products of 32 by 16 bits and their sums stay whole numbers in a double.
    let t = a * M0 + increment[0]!;
    let up = Math.floor(t * PER_LIMB);
    const l0 = t - up * LIMB;
    t = a * M1 + up;
    up = Math.floor(t * PER_LIMB);
    state[0] = (t - up * LIMB) * LIMB + l0;
    t = a * M2 + b * M0 + increment[1]! + up;
    up = Math.floor(t * PER_LIMB);
    const l2 = t - up * LIMB;
    t = a * M3 + b * M1 + up;
    up = Math.floor(t * PER_LIMB);
    state[1] = (t - up * LIMB) * LIMB + l2;
    t = a * M4 + b * M2 + c * M0 + increment[2]! + up;
    up = Math.floor(t * PER_LIMB);
    const l4 = t - up * LIMB;
    t = a * M5 + b * M3 + c * M1 + up;
    up = Math.floor(t * PER_LIMB);
    state[2] = (t - up * LIMB) * LIMB + l4;
    t = a * M6 + b * M4 + c * M2 + d * M0 + increment[3]! + up;
    up = Math.floor(t * PER_LIMB);
    const l6 = t - up * LIMB;
    t = a * M7 + b * M5 + c * M3 + d * M1 + up;
    up = Math.floor(t * PER_LIMB);
    state[3] = (t - up * LIMB) * LIMB + l6;
  }

  /** Draws 64 bits into `#high` and `#low`, both unsigned. */
  #draw(): void {
    this.#advance();
    const state = this.#state;
    const high = state[3]! ^ state[1]!;
    const low = state[2]! ^ state[0]!;
    const turn = state[3]! >>> 26;
    const x = turn & 32 ? low : high;
    const y = turn & 32 ? high : low;
    const by = turn & 31;
    this.#high = (by ? (x >>> by) | (y << (32 - by)) : x) >>> 0;
    this.#low = (by ? (y >>> by) | (x << (32 - by)) : y) >>> 0;
  }

  /** Uniform in [0, 1), 53 bits. */
  uniform(): number {
    this.#draw();
    return (this.#high * 2 ** 21 + (this.#low >>> 11)) * 2 ** -53;
  }

  /** A standard normal deviate. */
  normal(): number {
    const { inside, width, height } = ziggurat ??= makeZiggurat();
    for (;;) {
      this.#draw();
      const strip = this.#low & 0xff;
      const negative = (this.#low & 0x100) !== 0;
      const bits = (this.#high & 0x1fffffff) * 2 ** 23 + (this.#low >>> 9);
      const x = bits * width[strip]!;
      if (bits < inside[strip]!) return negative ? -x : x;
      if (strip === 0) {
        const tail = this.#tail();
        return Math.floor(bits / 256) % 2 === 1 ? -tail : tail;
      }
      const fall = height[strip - 1]! - height[strip]!;
      if (fall * this.uniform() + height[strip]! < Math.exp(-0.5 * x * x)) {
        return negative ? -x : x;
      }
    }
  }

  /** A deviate from the tail beyond the ziggurat. */
  #tail(): number {
    for (;;) {
      const x = -Math.log1p(-this.uniform()) / TAIL;
      const y = -Math.log1p(-this.uniform());
      if (y + y > x * x) return TAIL + x;
    }
  }
}

/** NumPy's SeedSequence for one 32-bit word of entropy: eight words for the generator's state. */
function spreadSeed(seed: number): Uint32Array {
  const pool = new Uint32Array(4);
  let hash = 0x43b0d7e5;
  const scramble = (value: number): number => {
    value ^= hash;
    hash = Math.imul(hash, 0x931e8875);
    value = Math.imul(value, hash);
    return value ^ (value >>> 16);
  };
  for (let i = 0; i < 4; i++) pool[i] = scramble(i === 0 ? seed : 0);
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) {
      if (from === to) continue;
      const mixed = Math.imul(0xca01f9dd, pool[to]!) -
        Math.imul(0x4973f715, scramble(pool[from]!));
      pool[to] = mixed ^ (mixed >>> 16);
    }
  }
  const words = new Uint32Array(8);
  hash = 0x8b51f9dd;
  for (let i = 0; i < 8; i++) {
    let value = pool[i % 4]! ^ hash;
    hash = Math.imul(hash, 0x58f38ded);
    value = Math.imul(value, hash);
    words[i] = value ^ (value >>> 16);
  }
  return words;
}
