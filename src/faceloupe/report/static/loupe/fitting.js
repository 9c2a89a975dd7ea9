/**
 * One fit from its sentence and its seed, with what an onlooker wants to know after each epoch.
 *
 * @typedef {import("loupe/layers").Pair} Pair
 * @typedef {import("loupe/layers").Weights} Weights
 * @typedef {import("loupe/network").Network} Network
 *
 * @typedef {object} Task
 * @property {string} sentence
 * @property {number} seed
 * @property {Pair} size
 * @property {number} outputs
 * @property {Float32Array[]} faces  To train on; pixels in [0, 1].
 * @property {number[]} labels
 * @property {Float32Array[]} heldOut
 * @property {number[]} heldOutLabels
 *
 * @typedef {object} EpochNews
 * @property {number} seed
 * @property {number} loss  The mean over the epoch's captures, each before the update it leads to; `accuracy` likewise.
 * @property {number} accuracy
 * @property {number | null} heldOutLoss  After the epoch; null where nothing was held out.
 * @property {number | null} heldOutAccuracy
 * @property {number[]} answers  Whom the network then sees in each training face, and in each that was held out.
 * @property {Record<string, number>} dead  How many units of each ReLU no training face wakes, by its name.
 * @property {Weights} weights  A copy.
 */

import { parseNetwork } from "loupe/language";
import { decide, forward, silentUnits } from "loupe/network";
import { crossEntropy, initialise, preprocessingOf, train } from "loupe/training";

/** Make the network of a task, untrained. @param {Task} task @returns {Network} */
export function begin({ sentence, seed, size, outputs, faces }) {
  const spec = parseNetwork(sentence);
  return initialise(spec, size, outputs, seed, preprocessingOf(spec.training.preprocess, faces));
}

/**
 * Train a network of a task, an epoch at every `next()`.
 *
 * @param {Task} task
 * @param {Network} network  Of {@link begin}; its weights change.
 * @returns {Generator<EpochNews, void, void>}
 */
export function* fitting(task, network) {
  const { sentence, seed, faces, labels } = task;
  const { training } = parseNetwork(sentence);
  for (const { end } of train({ network, faces, labels, training, seed })) {
    if (!end) continue;
    const passes = faces.map((face) => forward(network, face));
    const heldOut = task.heldOut.map((face) => forward(network, face));
    yield {
      seed,
      ...end,
      ...heldOutOf(task, heldOut),
      answers: [...passes, ...heldOut].map(({ logits }) => decide(logits)),
      dead: deadOf(network, passes),
      weights: copyOf(network.weights),
    };
  }
}

/** @param {Task} task @param {import("loupe/network").Pass[]} passes  Of the faces held out. */
function heldOutOf({ heldOutLabels }, passes) {
  if (!passes.length) return { heldOutLoss: null, heldOutAccuracy: null };
  const mean = (/** @type {number[]} */ values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    heldOutLoss: mean(passes.map(({ logits }, face) => crossEntropy(logits, heldOutLabels[face]))),
    heldOutAccuracy: mean(passes.map(({ logits }, face) => Number(decide(logits) === heldOutLabels[face]))),
  };
}

/** @param {Network} network @param {import("loupe/network").Pass[]} passes */
function deadOf(network, passes) {
  const silences = silentUnits(network, passes);
  return Object.fromEntries(
    silences.map(({ layer, units }) => [network.layers[layer].name, units.filter(Boolean).length]),
  );
}

/** @param {Weights} weights @returns {Weights} */
export function copyOf(weights) {
  return Object.fromEntries(Object.entries(weights).map(([name, values]) => [name, values.slice()]));
}
