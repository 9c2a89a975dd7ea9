// Networks and faces that are made up: nothing here comes from the modules under test but the reading of sentences.
import { parseNetwork } from "loupe/language";
import { initialise } from "loupe/training";

/**
 * Numbers in [-1, 1) that are the same on every run: a linear congruential generator (Knuth's MMIX).
 *
 * @param {number} seed
 */
export function numbers(seed) {
  let state = BigInt(seed);
  return () => {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
    return Number(state >> 11n) / 2 ** 52 - 1;
  };
}

/** @typedef {[number, number]} Pair */

/** @param {Pair} size @param {() => number} number */
export function face([height, width], number) {
  return new Float32Array(height * width).map(() => (number() + 1) / 2);
}

/** Sentences and sizes that fit nowhere: odd faces, kernels that are no squares, windows that leave cells over. */
/** @type {[string, Pair, number][]} */
export const SENTENCES = [
  ["conv 4 8x8 relu, pool 4, dense 4 relu", [24, 24], 1],
  ["conv 3 3x4 relu, pool 2, dense 5 relu", [11, 13], 1],
  ["conv 2 5x2 leaky, pool 3x4, dense 3 tanh", [13, 11], 1],
  ["conv 5 3x3 stride 2 padding 1 relu, average pool 2, dense 6 relu, dense 4 leaky", [12, 10], 3],
  ["conv 3 3x3 padding same, batchnorm relu, pool 3 stride 2, conv 4 2x2 tanh, global average pool", [9, 8], 4],
  ["dense 7 relu, dropout 0.5, dense 3", [5, 4], 2],
];

/** @param {string} sentence @param {Pair} size @param {number} outputs @param {number} seed */
export function network(sentence, size, outputs, seed) {
  const made = initialise(parseNetwork(sentence), size, outputs, seed, { mean: 0.4, scale: 0.5 });
  const random = numbers(seed);
  for (const [name, values] of Object.entries(made.weights)) {
    if (!name.endsWith(".running_var")) values.forEach((value, index) => (values[index] = value + 0.1 * random()));
  }
  return made;
}

/** Every sentence, a few seeds each, with a face that fits. @param {number} [seeds] */
export function* cases(seeds = 3) {
  for (let seed = 0; seed < seeds; seed++) {
    for (const [sentence, size, outputs] of SENTENCES) {
      yield {
        sentence,
        size,
        outputs,
        network: network(sentence, size, outputs, seed),
        face: face(size, numbers(seed + 100)),
      };
    }
  }
}

/** @param {number} actual @param {number} expected @param {number} tolerance @param {string} [what] */
export function close(actual, expected, tolerance, what = "") {
  if (!(Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)))) {
    throw new Error(`${what}: ${actual} is not within ${tolerance} of ${expected}`);
  }
}
