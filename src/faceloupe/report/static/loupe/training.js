/**
 * Training in the page: the networks of `loupe/network`, RMSprop as Keras defines it, and a backward pass by hand.
 *
 * @typedef {import("loupe/network").Network} Network
 * @typedef {import("loupe/network").Pass} Pass
 * @typedef {import("loupe/network").CNNPass} CNNPass
 * @typedef {import("loupe/layers").Pair} Pair
 * @typedef {Record<string, Float64Array>} Gradients  By the weights' names, each as long as its weights.
 *
 * @typedef {object} Progress
 * @property {number} epoch  1 for the first.
 * @property {number} step  Batches of this epoch so far, 1 for the first.
 * @property {boolean} done  Whether it was the last batch of all.
 * @property {number} [loss]  After an epoch's last batch: the mean over its captures, each before the update it leads
 *   to, as Keras prints it; `accuracy` likewise.
 * @property {number} [accuracy]
 * @property {Record<string, Float32Array>} [weights]  A copy, after the epoch.
 * @property {{conv: boolean[], hidden: boolean[]}} [dead]  Silent for every training capture, after the epoch.
 */

import { area, place } from "loupe/layers";
import { convolutionSizes, deadUnits, forward, readNetwork } from "loupe/network";

const RHO = 0.9;
const EPSILON = 1e-7;

/**
 * Make an untrained network: weights are uniform within ±sqrt(6 / (fan in + fan out)), biases 0 (Glorot, Bengio 2010).
 *
 * @param {"fcnn" | "cnn"} kind
 * @param {Pair} size  Height and width of the faces; a larger kernel or pooling window is clipped to what it works on.
 * @param {number} seed
 * @param {{filters?: number, kernel?: Pair, pool?: Pair, hidden?: number, mean?: number, scale?: number}} [sizes]
 * @returns {Network}
 */
export function initialise(
  kind,
  size,
  seed,
  { filters = 4, kernel = [8, 8], pool = [4, 4], hidden = 4, mean = 0, scale = 1 } = {},
) {
  const convolution = [filters, 1, ...smaller(kernel, size)];
  const { map } = convolutionSizes(size, convolution, 1);
  const window = smaller(pool, map);
  const { pooled } = convolutionSizes(size, convolution, window);
  const layers =
    kind === "cnn"
      ? { conv: convolution, hidden: [hidden, filters * area(pooled)], output: [1, hidden] }
      : { hidden: [hidden, area(size)], output: [1, hidden] };
  const random = mulberry32(seed);
  const weights = Object.entries(layers).flatMap(([name, shape]) => [
    [`${name}.weight`, glorot(shape, random)],
    [`${name}.bias`, { data: new Float32Array(shape[0]), shape: [shape[0]] }],
  ]);
  return readNetwork({ kind, preprocessing: { mean, scale }, pool_size: window }, Object.fromEntries(weights), size);
}

/**
 * Train a network in place, a batch at every `next()`, so that a page can draw in between.
 *
 * @param {object} how
 * @param {Network} how.network  Its weights change.
 * @param {Float32Array[]} how.faces  Pixels in [0, 1]; the network's preprocessing is applied.
 * @param {number[]} how.labels  0 or 1 for each face.
 * @param {number} how.epochs
 * @param {number} how.batchSize  Captures a step; an epoch's last batch may be smaller.
 * @param {number} how.learningRate
 * @param {number} how.seed  Of the order of the captures.
 * @param {ArrayLike<number>[]} [how.orders]  Instead of epochs and seed: the captures of each epoch in order.
 * @returns {Generator<Progress, void, void>}
 */
export function* training({
  network,
  faces,
  labels,
  epochs,
  batchSize,
  learningRate,
  seed,
  orders = shuffles(faces.length, epochs, seed),
}) {
  const squares = zerosLike(network.weights);
  for (const [index, order] of orders.entries()) {
    let [loss, correct] = [0, 0];
    for (let start = 0, step = 1; start < order.length; start += batchSize, step++) {
      const batch = Array.from(order).slice(start, start + batchSize);
      const gradients = zerosLike(network.weights);
      for (const capture of batch) {
        const pass = forward(network, faces[capture]);
        backward(network, pass, (pass.probability - labels[capture]) / batch.length, gradients);
        loss += crossEntropy(pass.logit, labels[capture]);
        if (Number(pass.logit > 0) === labels[capture]) correct++;
      }
      rmsprop(network.weights, gradients, squares, learningRate);
      const last = start + batchSize >= order.length;
      yield {
        epoch: index + 1,
        step,
        done: last && index + 1 === orders.length,
        ...(last && { loss: loss / order.length, accuracy: correct / order.length, ...state(network, faces) }),
      };
    }
  }
}

/**
 * Add what one face says of every weight, by hand and from the logit backwards, to gradients.
 *
 * A shut ReLU passes nothing on, and a pooling window passes on to its winner alone.
 *
 * @param {Network} network
 * @param {Pass} pass
 * @param {number} slope  Of the loss with the logit: the derivatives of the logit are multiplied by it.
 * @param {Gradients} gradients
 */
export function backward(network, pass, slope, gradients) {
  const { features, hidden } = pass;
  const received = new Float64Array(features.length);
  gradients["output.bias"][0] += slope;
  for (let unit = 0; unit < hidden.length; unit++) {
    if (hidden[unit] === 0) continue;
    const arrived = slope * network.weights["output.weight"][unit];
    const offset = unit * features.length;
    gradients["output.weight"][unit] += slope * hidden[unit];
    gradients["hidden.bias"][unit] += arrived;
    for (let index = 0; index < features.length; index++) {
      gradients["hidden.weight"][offset + index] += arrived * features[index];
      received[index] += arrived * network.weights["hidden.weight"][offset + index];
    }
  }
  if (network.filters) backwardConvolution(network, /** @type {CNNPass} */ (pass), received, gradients);
}

/** @param {Network} network @param {CNNPass} pass @param {Float64Array} received @param {Gradients} gradients */
function backwardConvolution({ kernel, map, pooled, width }, { input, pool, winners }, received, gradients) {
  const taps = gradients["conv.weight"];
  for (let index = 0; index < received.length; index++) {
    if (pool[index] === 0) continue;
    const [filter] = place(index, pooled);
    const [, row, column] = place(winners[index], map);
    gradients["conv.bias"][filter] += received[index];
    for (let i = 0, tap = filter * area(kernel); i < kernel[0]; i++) {
      const from = (row + i) * width + column;
      for (let j = 0; j < kernel[1]; j++, tap++) taps[tap] += received[index] * input[from + j];
    }
  }
}

/**
 * Move weights against their gradients: v = ρ v + (1 - ρ) g² and w -= learning rate · g / sqrt(v + ε), as Keras 3 does
 * (Tieleman and Hinton 2012, "Lecture 6.5 - RMSprop").
 *
 * @param {Record<string, Float32Array>} weights
 * @param {Gradients} gradients
 * @param {Gradients} squares  The v's.
 * @param {number} learningRate
 */
function rmsprop(weights, gradients, squares, learningRate) {
  for (const [name, values] of Object.entries(weights)) {
    const [slopes, means] = [gradients[name], squares[name]];
    for (let index = 0; index < values.length; index++) {
      means[index] = RHO * means[index] + (1 - RHO) * slopes[index] ** 2;
      values[index] -= (learningRate * slopes[index]) / Math.sqrt(means[index] + EPSILON);
    }
  }
}

/**
 * Return the binary cross-entropy of a logit, in nats.
 *
 * @param {number} logit
 * @param {number} label  0 or 1.
 */
export function crossEntropy(logit, label) {
  return Math.max(logit, 0) - logit * label + Math.log1p(Math.exp(-Math.abs(logit)));
}

/**
 * Return the order of n captures in each epoch: a fresh permutation an epoch.
 *
 * @param {number} n
 * @param {number} epochs
 * @param {number} seed
 * @returns {number[][]}
 */
export function shuffles(n, epochs, seed) {
  const random = mulberry32(~seed); // other numbers than the weights of the same seed
  return Array.from({ length: epochs }, () => {
    const order = Array.from({ length: n }, (_, index) => index);
    for (let last = n - 1; last > 0; last--) {
      const chosen = Math.floor(random() * (last + 1));
      [order[last], order[chosen]] = [order[chosen], order[last]];
    }
    return order;
  });
}

/**
 * Return the mean pixel of some faces: what preprocessing "centre" subtracts.
 *
 * @param {Float32Array[]} faces  Of one size.
 */
export function meanPixel(faces) {
  const sums = faces.map((face) => face.reduce((sum, pixel) => sum + pixel, 0));
  return sums.reduce((before, sum) => before + sum, 0) / (faces.length * faces[0].length);
}

/**
 * Return a generator of numbers in [0, 1) with 32 bits of state: Tommy Ettinger's mulberry32.
 *
 * @param {number} seed
 */
function mulberry32(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** @param {number[]} shape  (outputs, inputs, ...kernel) @param {() => number} random */
function glorot(shape, random) {
  const [outputs, inputs, ...kernel] = shape;
  const taps = kernel.reduce((product, side) => product * side, 1);
  const limit = Math.sqrt(6 / ((outputs + inputs) * taps));
  const data = new Float32Array(outputs * inputs * taps).map(() => (2 * random() - 1) * limit);
  return { data, shape };
}

/** @param {Network} network @param {Float32Array[]} faces */
function state(network, faces) {
  const copies = Object.entries(network.weights).map(([name, values]) => [name, values.slice()]);
  return { weights: Object.fromEntries(copies), dead: deadUnits(network, faces) };
}

/** @param {Record<string, Float32Array>} weights @returns {Gradients} */
function zerosLike(weights) {
  return Object.fromEntries(Object.entries(weights).map(([name, { length }]) => [name, new Float64Array(length)]));
}

/** @param {Pair} sides @param {Pair} room @returns {Pair} */
function smaller(sides, room) {
  return [Math.min(sides[0], room[0]), Math.min(sides[1], room[1])];
}
