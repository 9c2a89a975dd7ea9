/**
 * Training in the page: any network of the language, with the optimisers as Keras 3 defines them.
 *
 * @typedef {import("loupe/network").Network} Network
 * @typedef {import("loupe/network").Silence} Silence
 * @typedef {import("loupe/layers").Pair} Pair
 * @typedef {import("loupe/layers").Weights} Weights
 * @typedef {import("loupe/language").Spec} Spec
 * @typedef {import("loupe/language").Training} Training
 * @typedef {import("loupe/gradients").Gradients} Gradients
 *
 * @typedef {object} Progress
 * @property {number} epoch  1 for the first.
 * @property {number} step  Batches of this epoch so far, 1 for the first.
 * @property {boolean} done  Whether it was the last batch of all.
 * @property {Epoch} [end]  After an epoch's last batch.
 *
 * @typedef {object} Epoch
 * @property {number} loss  The mean over the epoch's captures, each before the update it leads to, as Keras prints it;
 *   `accuracy` likewise.
 * @property {number} accuracy
 */

import { backwardBatch, forwardBatch } from "loupe/gradients";
import { planNetwork } from "loupe/planning";
import { volume } from "loupe/layers";
import { decide, probabilitiesOf, readNetwork } from "loupe/network";

const MOMENTUM = 0.9;
const RHO = 0.9;
const [BETA1, BETA2] = [0.9, 0.999];
const EPSILON = 1e-7;
const TRUNCATED = 0.8796256610342398; // standard deviation of a unit normal that is cut off at two

/**
 * Make an untrained network. Weights are drawn as the spec says, Glorot's (Glorot and Bengio 2010) or He's (He et al.
 * 2015, arXiv:1502.01852), as Keras draws them; biases are 0.
 *
 * @param {Spec} spec
 * @param {Pair} size  Height and width of the faces.
 * @param {number} outputs
 * @param {number} seed
 * @param {{mean: number, scale: number}} [preprocessing]
 * @returns {Network}
 */
export function initialise({ layers: specs, training }, size, outputs, seed, preprocessing = { mean: 0, scale: 1 }) {
  const { layers, shapes } = planNetwork(specs, size, outputs);
  const random = mulberry32(seed);
  const weights = Object.entries(shapes).map(([name, shape]) => {
    const ones = name.endsWith(".running_var") || (shape.length === 1 && name.endsWith(".weight"));
    const data =
      shape.length > 1 ? drawn(shape, training.initialisation, random) : new Float32Array(shape[0]).fill(ones ? 1 : 0);
    return [name, { data, shape }];
  });
  return readNetwork(layers, preprocessing, Object.fromEntries(weights), size);
}

/** @param {number[]} shape  (outputs, inputs, ...kernel) @param {string} initialisation @param {() => number} random */
function drawn([outputs, inputs, ...kernel], initialisation, random) {
  const taps = volume(kernel);
  const [who, how] = initialisation.split("_");
  const spread = Math.sqrt(who === "he" ? 2 / (inputs * taps) : 2 / ((outputs + inputs) * taps));
  const draw =
    how === "uniform"
      ? () => (2 * random() - 1) * Math.sqrt(3) * spread
      : () => (normalWithin(2, random) * spread) / TRUNCATED;
  return new Float32Array(outputs * inputs * taps).map(draw);
}

/**
 * A normal number no further than some standard deviations from 0.
 *
 * @param {number} most @param {() => number} random
 */
function normalWithin(most, random) {
  for (;;) {
    const value = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    if (Math.abs(value) <= most) return value;
  }
}

/**
 * Train a network in place, a batch at every `next()`.
 *
 * @param {object} how
 * @param {Network} how.network  Its weights change.
 * @param {Float32Array[]} how.faces  Pixels in [0, 1]; the network's preprocessing is applied.
 * @param {number[]} how.labels  The class of each face.
 * @param {Training} how.training
 * @param {number} how.seed  Of the order of the captures, and of dropout.
 * @param {ArrayLike<number>[]} [how.orders]  Instead of one from the seed: the captures of each epoch in order.
 * @returns {Generator<Progress, void, void>}
 */
export function* train({
  network,
  faces,
  labels,
  training,
  seed,
  orders = shuffles(faces.length, training.epochs, seed),
}) {
  const { mean, scale } = network;
  const inputs = faces.map((face) => face.map((pixel) => (pixel - mean) / scale));
  const optimise = optimiser(network, training);
  const random = mulberry32(seed ^ 0x5bd1e995);
  for (const [index, order] of orders.entries()) {
    let [loss, correct] = [0, 0];
    for (let start = 0, step = 1; start < order.length; start += training.batch, step++) {
      const batch = Array.from(order).slice(start, start + training.batch);
      const gradients = zerosLike(network);
      const steps = forwardBatch(
        network,
        batch.map((capture) => inputs[capture]),
        random,
      );
      const slopes = batch.map((capture, face) => {
        const logits = steps[steps.length - 1].outputs[face];
        loss += crossEntropy(logits, labels[capture]);
        correct += Number(decide(logits) === labels[capture]);
        return slopeOfLoss(logits, labels[capture], batch.length);
      });
      backwardBatch(steps, network.weights, slopes, gradients);
      optimise(gradients);
      const last = start + training.batch >= order.length;
      yield {
        epoch: index + 1,
        step,
        done: last && index + 1 === orders.length,
        ...(last && { end: { loss: loss / order.length, accuracy: correct / order.length } }),
      };
    }
  }
}

/** @param {import("loupe/layers").Numbers} logits @param {number} label @param {number} count  Of the batch. */
function slopeOfLoss(logits, label, count) {
  const probabilities = probabilitiesOf(logits);
  if (logits.length === 1) return Float64Array.of((probabilities[1] - label) / count);
  return Float64Array.from(probabilities, (probability, index) => (probability - Number(index === label)) / count);
}

/**
 * Return the cross-entropy of logits, in nats.
 *
 * @param {import("loupe/layers").Numbers} logits  One, of class 1, or one a class.
 * @param {number} label
 */
export function crossEntropy(logits, label) {
  if (logits.length === 1) {
    const [logit] = logits;
    return Math.max(logit, 0) - logit * label + Math.log1p(Math.exp(-Math.abs(logit)));
  }
  const most = Math.max(...logits);
  const total = Array.from(logits).reduce((sum, logit) => sum + Math.exp(logit - most), 0);
  return most + Math.log(total) - logits[label];
}

/**
 * Return what moves a network's weights against their gradients.
 *
 * SGD; momentum; RMSprop (Tieleman and Hinton 2012, "Lecture 6.5 - RMSprop"); Adam (Kingma and Ba 2015,
 * arXiv:1412.6980). A decay shrinks the weights before (Loshchilov and Hutter 2019, arXiv:1711.05101).
 *
 * @param {Network} network
 * @param {Training} training
 * @returns {(gradients: Gradients) => void}
 */
function optimiser(network, { optimiser: name, rate, decay }) {
  const [first, second] = [zerosLike(network), zerosLike(network)];
  const shrink = 1 - rate * decay;
  let steps = 0;
  return (gradients) => {
    steps++;
    const corrected = (rate * Math.sqrt(1 - BETA2 ** steps)) / (1 - BETA1 ** steps);
    for (const [weight, slopes] of Object.entries(gradients)) {
      const values = network.weights[weight];
      const [means, squares] = [first[weight], second[weight]];
      for (let i = 0; i < values.length; i++) {
        const slope = slopes[i];
        let move = -rate * slope;
        if (name === "momentum") move = means[i] = MOMENTUM * means[i] - rate * slope;
        else if (name === "rmsprop") {
          squares[i] = RHO * squares[i] + (1 - RHO) * slope ** 2;
          move = (-rate * slope) / Math.sqrt(squares[i] + EPSILON);
        } else if (name === "adam") {
          means[i] += (1 - BETA1) * (slope - means[i]);
          squares[i] += (1 - BETA2) * (slope ** 2 - squares[i]);
          move = (-corrected * means[i]) / (Math.sqrt(squares[i]) + EPSILON);
        }
        values[i] = values[i] * shrink + move;
      }
    }
  };
}

/** Zeros for each weight that is learned. @param {Network} network @returns {Gradients} */
export function zerosLike({ weights }) {
  const learned = Object.entries(weights).filter(([name]) => !name.includes(".running_"));
  return Object.fromEntries(learned.map(([name, { length }]) => [name, new Float64Array(length)]));
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
 * Return what is done to pixels, with statistics of some faces.
 *
 * @param {Training["preprocess"]} kind  Nothing; subtract the mean pixel; and divide by the standard deviation.
 * @param {Float32Array[]} faces  Of one size.
 */
export function preprocessingOf(kind, faces) {
  if (kind === "none") return { mean: 0, scale: 1 };
  const count = faces.length * faces[0].length;
  const total = (/** @type {(pixel: number) => number} */ part) =>
    faces.reduce((sum, face) => face.reduce((before, pixel) => before + part(pixel), sum), 0);
  const mean = total((pixel) => pixel) / count;
  const scale = kind === "centre" ? 1 : Math.sqrt(total((pixel) => (pixel - mean) ** 2) / count) || 1;
  return { mean, scale };
}

/**
 * Return a generator of numbers in [0, 1) with 32 bits of state: Tommy Ettinger's mulberry32.
 *
 * @param {number} seed
 */
export function mulberry32(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
