/**
 * Sizes of tensors whose axes may be known only when the model runs.
 *
 * A size is a number, or a text: a symbol such as `"N"`, or an expression of symbols such as
 * `"ceil(H/2)"`. Equal texts are equal sizes; of different texts nothing is known, so they are
 * let pass and checked by the runtime.
 */

/** The size of one axis. */
export type Dim = number | string;

/** The sizes of all axes, row major; empty for a scalar. */
export type Shape = readonly Dim[];

/** `false` only when two sizes are certainly different. */
export function mayEqual(a: Dim, b: Dim): boolean {
  return a === b || typeof a === "string" || typeof b === "string";
}

/** `false` only when two shapes are certainly different. */
export function mayEqualShapes(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, axis) => mayEqual(dim, b[axis]!));
}

/** Whether every size is a number. */
export function isStatic(shape: Shape): shape is readonly number[] {
  return shape.every((dim) => typeof dim === "number");
}

/** A shape as text, e.g. `[N,3,224,224]`. */
export function shapeText(shape: Shape): string {
  return `[${shape.join(",")}]`;
}

/** Parentheses around anything that is not a plain symbol. */
function atom(dim: string): string {
  return /^[\w?]+(\(.*\))?$/.test(dim) ? dim : `(${dim})`;
}

/** `a + b`; numbers are collected at the end. */
export function addDims(a: Dim, b: Dim): Dim {
  if (typeof a === "number" && typeof b === "number") return a + b;
  if (typeof a === "number") return addDims(b, a);
  if (typeof b === "string") return `${a}+${b}`;
  const [, symbols, number] = /^(.*?)([+-]\d+)?$/.exec(a)!;
  const sum = b + Number(number ?? 0);
  if (sum === 0) return symbols!;
  return sum < 0 ? `${symbols}-${-sum}` : `${symbols}+${sum}`;
}

/** The product of sizes; the number comes first, then the symbols in alphabetical order. */
export function multiplyDims(...dims: Dim[]): Dim {
  let factor = 1;
  const symbols: string[] = [];
  for (const dim of dims) {
    if (typeof dim === "number") factor *= dim;
    else symbols.push(atom(dim));
  }
  if (symbols.length === 0 || factor === 0) return factor;
  const text = symbols.sort().join("*");
  return factor === 1 ? (dims.length === 1 ? dims[0]! : text) : `${factor}*${text}`;
}

/** `floor(a / b)`, or `ceil(a / b)`. */
export function divideDim(a: Dim, b: number, round: "floor" | "ceil" = "floor"): Dim {
  if (b === 1) return a;
  return typeof a === "number" ? Math[round](a / b) : `${round}(${atom(a)}/${b})`;
}

/**
 * The shape two shapes are stretched to (NumPy's rule: aligned at the last axis, 1 stretches), or
 * `null` when they do not fit.
 */
export function broadcastShapes(a: Shape, b: Shape): Dim[] | null {
  const rank = Math.max(a.length, b.length);
  const result: Dim[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const x = a[axis - rank + a.length] ?? 1;
    const y = b[axis - rank + b.length] ?? 1;
    if (!mayEqual(x, y) && x !== 1 && y !== 1) return null;
    if (x === 1) result.push(y);
    else if (y === 1 || typeof x === "number") result.push(x);
    else result.push(y); // where one is a number and neither is 1, the number decides
  }
  return result;
}
