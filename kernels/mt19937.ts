/**
 * The Mersenne Twister MT19937 and the draws that PyTorch's CPU generator and NumPy's RandomState
 * make from it. M. Matsumoto and T. Nishimura, "Mersenne Twister: A 623-Dimensionally
 * Equidistributed Uniform Pseudo-Random Number Generator", ACM TOMACS 1998; seeding as in its 2002
 * revision, which is what both `torch.manual_seed` and `numpy.random.seed` use for seeds below 2³².
 */

const SIZE = 624;
const SHIFT = 397;
const UPPER = 0x80000000;
const LOWER = 0x7fffffff;
const TWIST = 0x9908b0df;

/** A generator of 32-bit numbers; equal seeds give equal streams. */
export class Mt19937 {
  readonly #state = new Uint32Array(SIZE);
  #next = SIZE;

  /**
   * @param seed A whole number, 0..2³²-1.
   * @throws {RangeError} `seed` is anything else.
   */
  constructor(seed: number) {
    if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)) {
      throw new RangeError(`Cannot seed MT19937: ${seed} is not a whole number below 2^32`);
    }
    const state = this.#state;
    state[0] = seed;
    for (let i = 1; i < SIZE; i++) {
      const before = state[i - 1]!;
      state[i] = Math.imul(1812433253, before ^ (before >>> 30)) + i;
    }
  }

  /** The next number, 0..2³²-1. */
  uint32(): number {
    if (this.#next === SIZE) this.#twist();
    let y = this.#state[this.#next++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /**
   * A single-precision number in [low, high), as PyTorch's `uniform_` draws it on the CPU: 24 bits,
   * scaled and shifted in single precision (which may round up to `high`).
   */
  uniformFloat32(low: number, high: number): number {
    const from = Math.fround(low);
    const span = Math.fround(Math.fround(high) - from);
    const unit = (this.uint32() & 0xffffff) * 2 ** -24;
    return Math.fround(unit * span + from);
  }

  /**
   * A whole number in [0, limit), as NumPy's `RandomState.randint` draws it: the lowest bits that
   * suffice, drawn again until they fit.
   *
   * @param limit 1..2³¹.
   */
  integer(limit: number): number {
    const largest = limit - 1;
    if (largest === 0) return 0;
    const mask = 0xffffffff >>> Math.clz32(largest);
    for (;;) {
      const value = (this.uint32() & mask) >>> 0;
      if (value <= largest) return value;
    }
  }

  /** Renews the whole state. */
  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < SIZE; i++) {
      const y = (state[i]! & UPPER) | (state[(i + 1) % SIZE]! & LOWER);
      state[i] = state[(i + SHIFT) % SIZE]! ^ (y >>> 1) ^ (y & 1 ? TWIST : 0);
    }
    this.#next = 0;
  }
}
