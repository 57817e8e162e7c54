/**
 * The permutohedral lattice and mean-field inference in double precision, as plainly as can be: with
 * strings as keys, sorting for ranks, and every label filtered.
 */

/** A filter K over points with known vertices. */
export class ReferenceLattice {
  readonly points: number;
  /** Vertices and weights of every point. */
  readonly #corners: { key: string; weight: number }[][] = [];
  readonly #vertices = new Map<string, number[]>();
  /** Keys of every vertex and of the two beside it, axis by axis. */
  readonly #triples: [key: string, before: string, behind: string][][];
  /** 1/√(K·1), for every point. */
  readonly #norm: readonly number[];
  readonly #d: number;

  /** @param features `points` of d coordinates each. */
  constructor(features: readonly (readonly number[])[]) {
    this.points = features.length;
    this.#d = features[0]!.length;
    const origin = features[0]!.map(() => 0);
    const padding = new Array(-features.length & 3).fill(origin);
    for (const point of [...features, ...padding]) this.#corners.push(this.#place(point));
    this.#corners.length = this.points;
    this.#triples = Array.from(
      { length: this.#d + 1 },
      (_, axis) =>
        [...this.#vertices].map(([key, vertex]) => {
          const beside = (sign: number) =>
            vertex.map((value, i) => value + sign * (i === axis ? -this.#d : 1)).join();
          return [key, beside(-1), beside(1)];
        }),
    );
    this.#norm = this.filter(features.map(() => 1)).map((sum) => 1 / Math.sqrt(sum + 1e-20));
  }

  get vertices(): number {
    return this.#vertices.size;
  }

  #place(point: readonly number[]): { key: string; weight: number }[] {
    const d = this.#d;
    const side = d + 1;
    // Column i of the basis is (1, …, 1, -(i + 1), 0, …), of length √((i + 1)(i + 2)).
    const elevated = new Array<number>(side).fill(0);
    point.forEach((value, i) => {
      const scaled = value * Math.sqrt(2 / 3) * side / Math.sqrt((i + 1) * (i + 2));
      for (let j = 0; j <= i; j++) elevated[j]! += scaled;
      elevated[i + 1]! -= (i + 1) * scaled;
    });
    const nearest = elevated.map((value) => side * Math.round(value / side));
    const excess = nearest.reduce((sum, value) => sum + value, 0) / side;
    // Largest difference first; ties as they come.
    const order = elevated.map((_, i) => i).sort((a, b) =>
      elevated[b]! - nearest[b]! - (elevated[a]! - nearest[a]!) || a - b
    );
    const rank = new Array<number>(side);
    order.forEach((axis, position) => rank[axis] = position + excess);
    for (let i = 0; i < side; i++) {
      const shift = rank[i]! < 0 ? side : rank[i]! > d ? -side : 0;
      rank[i]! += shift;
      nearest[i]! += shift;
    }
    const barycentric = new Array<number>(side + 1).fill(0);
    for (let i = 0; i < side; i++) {
      const share = (elevated[i]! - nearest[i]!) / side;
      barycentric[d - rank[i]!]! += share;
      barycentric[d - rank[i]! + 1]! -= share;
    }
    barycentric[0]! += 1 + barycentric[side]!;
    return barycentric.slice(0, side).map((weight, r) => {
      const vertex = nearest.map((value, i) => value + r - (rank[i]! > d - r ? side : 0));
      this.#vertices.set(vertex.join(), vertex);
      return { key: vertex.join(), weight };
    });
  }

  /** K times a value for each point. */
  filter(values: readonly number[]): number[] {
    let now = new Map<string, number>();
    values.forEach((value, p) => {
      for (const { key, weight } of this.#corners[p]!) {
        now.set(key, (now.get(key) ?? 0) + weight * value);
      }
    });
    for (const triples of this.#triples) {
      const next = new Map<string, number>();
      for (const [key, before, behind] of triples) {
        const beside = (now.get(before) ?? 0) + (now.get(behind) ?? 0);
        next.set(key, (now.get(key) ?? 0) + 0.5 * beside);
      }
      now = next;
    }
    const scale = 1 / (1 + 2 ** -this.#d);
    return this.#corners.map((corners) =>
      scale * corners.reduce((sum, { key, weight }) => sum + weight * now.get(key)!, 0)
    );
  }

  /** n·K·n times a value for each point, n = 1/√(K·1). */
  filterNormalized(values: readonly number[]): number[] {
    const n = this.#norm;
    return this.filter(values.map((value, p) => value * n[p]!)).map((value, p) => value * n[p]!);
  }
}

/** Mean-field inference: `labels` rows of a probability for each point. */
export function inferReference(
  unary: readonly (readonly number[])[],
  kernels: readonly { readonly lattice: ReferenceLattice; readonly compat: number }[],
  steps: number,
): number[][] {
  const softmax = (energy: readonly (readonly number[])[]) => {
    const result = energy.map((plane) => plane.map(() => 0));
    for (let p = 0; p < energy[0]!.length; p++) {
      const least = Math.min(...energy.map((plane) => plane[p]!));
      const odds = energy.map((plane) => Math.exp(least - plane[p]!));
      const sum = odds.reduce((total, value) => total + value, 0);
      odds.forEach((value, l) => result[l]![p] = value / sum);
    }
    return result;
  };
  let q = softmax(unary);
  for (let step = 0; step < steps; step++) {
    q = softmax(unary.map((plane, l) => {
      const messages = kernels.map(({ lattice }) => lattice.filterNormalized(q[l]!));
      return plane.map((energy, p) =>
        kernels.reduce((sum, { compat }, k) => sum - compat * messages[k]![p]!, energy)
      );
    }));
  }
  return q;
}
