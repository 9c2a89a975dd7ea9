/**
 * A logit as a sum of what each feature gave to it, exactly.
 *
 * A unit behind an activation passes on a share of its sum: 1 or 0 behind a ReLU, 1 or the slope behind a leaky one,
 * tanh(sum) / sum behind a tanh. With these shares as they are for one face, a logit is a weighted sum of the features
 * that the first dense layer reads: Σ terms + bias. With ReLUs this is HiResCAM at that layer (Draelos and Carin 2020,
 * arXiv:2011.08891); with others it is the rescale rule of DeepLIFT (Shrikumar et al. 2017, arXiv:1704.02685) from 0.
 *
 * @typedef {import("loupe/network").Network} Network
 * @typedef {import("loupe/network").Pass} Pass
 * @typedef {import("loupe/layers").Numbers} Numbers
 *
 * @typedef {{sum: number, output: number, share: number, weight: number, contribution: number}} Unit  Of the last
 *   hidden layer: before and after its activation, and what it gave to the logit.
 * @typedef {object} Ledger
 * @property {number[]} shape  Of the features: (channels, rows, columns), or (units,).
 * @property {Numbers} features
 * @property {Float64Array} terms
 * @property {number} bias
 * @property {number} logit
 * @property {Unit[]} units
 */

import { affine } from "loupe/layers";
import { inputOf, placesOf } from "loupe/network";

/**
 * @param {Network} network
 * @param {Pass} pass
 * @param {number} [target]  Which logit.
 * @returns {Ledger}
 */
export function ledger(network, pass, target = 0) {
  const { layers, weights } = network;
  const [first] = placesOf(network, "dense");
  let factors = new Float64Array(pass.logits.length);
  factors[target] = 1;
  let bias = 0;
  for (let place = layers.length - 1; place >= first; place--) {
    const layer = layers[place];
    if (layer.kind === "dense") {
      const offsets = weights[`${layer.name}.bias`];
      if (offsets) bias += dot(factors, offsets);
      factors = transposed(weights[`${layer.name}.weight`], factors, inputOf(pass, place).length);
    } else if (layer.kind === "activation") {
      factors = factors.map((factor, unit) => factor * share(inputOf(pass, place)[unit], pass.outputs[place][unit]));
    } else if (layer.kind === "normalisation") {
      const { scale, shift } = affine(layer, weights);
      bias += dot(factors, shift);
      factors = factors.map((factor, unit) => factor * scale[unit]);
    }
  }
  const features = inputOf(pass, first);
  return {
    shape: shapeOf(network, first),
    features,
    terms: factors.map((factor, index) => factor * features[index]),
    bias,
    logit: pass.logits[target],
    units: unitsOf(network, pass, target),
  };
}

/** What an activation passes on of a sum. @param {number} sum @param {number} output */
function share(sum, output) {
  return sum ? output / sum : 0;
}

/** The shape of the features before they are laid in a row. @param {Network} network @param {number} first */
function shapeOf({ layers, size }, first) {
  let place = first - 1;
  while (place >= 0 && ["flatten", "dropout"].includes(layers[place].kind)) place--;
  return place >= 0 ? layers[place].output : [1, ...size];
}

/** @param {Network} network @param {Pass} pass @param {number} target @returns {Unit[]} */
function unitsOf({ layers, weights }, pass, target) {
  const last = layers.length - 1;
  const activation = layers.findLastIndex(({ kind }) => kind === "activation");
  const alone = layers.slice(activation + 1, last).every(({ kind }) => kind === "dropout");
  if (activation < 0 || !alone || layers[activation].input.length !== 1) return [];
  const matrix = weights[`${layers[last].name}.weight`];
  return Array.from(inputOf(pass, activation), (sum, unit) => {
    const output = pass.outputs[activation][unit];
    const weight = matrix[target * pass.outputs[activation].length + unit];
    return { sum, output, share: share(sum, output), weight, contribution: weight * output };
  });
}

/** @param {Float64Array} one @param {Numbers} other */
function dot(one, other) {
  return one.reduce((sum, value, index) => sum + value * other[index], 0);
}

/**
 * Multiply a row of factors by a matrix.
 *
 * @param {Float32Array} matrix @param {Float64Array} factors @param {number} columns
 */
function transposed(matrix, factors, columns) {
  const sums = new Float64Array(columns);
  factors.forEach((factor, row) => {
    if (!factor) return;
    for (let column = 0; column < columns; column++) sums[column] += factor * matrix[row * columns + column];
  });
  return sums;
}
