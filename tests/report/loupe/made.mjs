// Networks and faces that are made up: nothing here comes from the modules under test but the reading of weights.
import { readNetwork } from "loupe/network";

/** Numbers in [-1, 1) that are the same on every run: a linear congruential generator (Knuth's MMIX). */
export function numbers(seed) {
  let state = BigInt(seed);
  return () => {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
    return Number(state >> 11n) / 2 ** 52 - 1;
  };
}

export function array(shape, number) {
  const data = new Float32Array(shape.reduce((product, side) => product * side, 1)).map(() => number());
  return { data, shape };
}

export function face([height, width], number) {
  return array([height, width], number).data.map((value) => (value + 1) / 2);
}

/** Sizes that fit nowhere: odd faces, kernels that are no squares, windows that leave cells over. */
export const SIZES = [
  { size: [24, 24], kernel: [8, 8], pool: 4, filters: 4, hidden: 4 },
  { size: [11, 13], kernel: [3, 4], pool: 2, filters: 3, hidden: 5 },
  { size: [13, 11], kernel: [5, 2], pool: [3, 4], filters: 2, hidden: 3 },
  { size: [7, 3], kernel: [2, 2], pool: [4, 2], filters: 5, hidden: 1 },
  { size: [5, 5], kernel: [5, 5], pool: 1, filters: 1, hidden: 2 },
  { size: [6, 9], kernel: [1, 1], pool: 5, filters: 2, hidden: 4 },
];

export function cnn({ size, kernel, pool, filters, hidden }, seed, { mean = 0.4, scale = 0.5 } = {}) {
  const number = numbers(seed);
  const window = Array.isArray(pool) ? pool : [pool ?? 4, pool ?? 4];
  const pooled = size.map((side, axis) => Math.floor((side - kernel[axis] + 1) / window[axis]));
  const weights = {
    "conv.weight": array([filters, 1, ...kernel], number),
    "conv.bias": array([filters], number),
    "hidden.weight": array([hidden, filters * pooled[0] * pooled[1]], number),
    "hidden.bias": array([hidden], number),
    "output.weight": array([1, hidden], number),
    "output.bias": array([1], number),
  };
  return readNetwork({ kind: "cnn", preprocessing: { mean, scale }, pool_size: pool }, weights, size);
}

export function fcnn({ size, hidden }, seed, { mean = 0.4, scale = 0.5 } = {}) {
  const number = numbers(seed);
  const weights = {
    "hidden.weight": array([hidden, size[0] * size[1]], number),
    "hidden.bias": array([hidden], number),
    "output.weight": array([1, hidden], number),
    "output.bias": array([1], number),
  };
  return readNetwork({ kind: "fcnn", preprocessing: { mean, scale } }, weights, size);
}

/** Every kind and size, a few seeds each, with a face that fits. */
export function* cases(seeds = 3) {
  for (let seed = 0; seed < seeds; seed++) {
    for (const sizes of SIZES) {
      for (const make of [cnn, fcnn]) {
        yield { network: make(sizes, seed), face: face(sizes.size, numbers(seed + 100)), size: sizes.size };
      }
    }
  }
}

export function close(actual, expected, tolerance, what = "") {
  if (!(Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)))) {
    throw new Error(`${what}: ${actual} is not within ${tolerance} of ${expected}`);
  }
}
