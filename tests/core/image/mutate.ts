/**
 * Seeded damage to files, for fuzz tests: the same seed gives the same damage on every machine.
 */

/** A small generator of 32-bit random numbers (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = state + 0x6d2b79f5 >>> 0;
    let t = state;
    t = Math.imul(t ^ t >>> 15, t | 1);
    t ^= t + Math.imul(t ^ t >>> 7, t | 61);
    return ((t ^ t >>> 14) >>> 0) / 4294967296;
  };
}

const INTERESTING = [0, 1, 0x7f, 0x80, 0xfe, 0xff];
const INTERESTING_32 = [0, 1, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff];

type Mutation = (bytes: Uint8Array, below: (n: number) => number) => Uint8Array;

/** Where most of a format's structure stands. */
const HEAD = 64;

const MUTATIONS: Mutation[] = [
  function flipBits(bytes, below) {
    for (let k = below(8); k >= 0; k--) bytes[below(bytes.length)]! ^= 1 << below(8);
    return bytes;
  },
  function setByte(bytes, below) {
    bytes[below(bytes.length)] = INTERESTING[below(INTERESTING.length)]!;
    return bytes;
  },
  function setHeadByte(bytes, below) {
    bytes[below(Math.min(HEAD, bytes.length))] = below(256);
    return bytes;
  },
  function setInteger(bytes, below) {
    if (bytes.length < 4) return bytes;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const at = below(below(2) ? Math.min(HEAD, bytes.length - 3) : bytes.length - 3);
    const value = INTERESTING_32[below(INTERESTING_32.length)]!;
    if (below(2)) view.setUint32(at, value, below(2) === 1);
    else view.setUint16(at, value & 0xffff, below(2) === 1);
    return bytes;
  },
  function truncate(bytes, below) {
    return bytes.slice(0, below(bytes.length));
  },
  function insert(bytes, below) {
    const at = below(bytes.length + 1);
    const noise = Array.from({ length: 1 + below(40) }, () => below(256));
    return Uint8Array.from([...bytes.subarray(0, at), ...noise, ...bytes.subarray(at)]);
  },
  function remove(bytes, below) {
    const at = below(bytes.length);
    const end = at + 1 + below(40);
    return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(end)]);
  },
  function duplicate(bytes, below) {
    const from = below(bytes.length);
    const part = bytes.slice(from, from + 1 + below(300));
    const at = below(bytes.length + 1);
    return Uint8Array.from([...bytes.subarray(0, at), ...part, ...bytes.subarray(at)]);
  },
  function overwrite(bytes, below) {
    const from = below(bytes.length);
    const part = bytes.slice(from, from + 1 + below(60));
    bytes.set(part, below(bytes.length - part.length + 1));
    return bytes;
  },
];

/** A copy of `bytes` with one to three kinds of damage. */
export function mutate(bytes: Uint8Array, random: () => number): Uint8Array {
  const below = (n: number) => Math.floor(random() * n);
  let damaged: Uint8Array = bytes.slice();
  for (let k = below(3); k >= 0; k--) {
    if (damaged.length > 0) damaged = MUTATIONS[below(MUTATIONS.length)]!(damaged, below);
  }
  return damaged;
}
