import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { bundle } from "loupe/bundle";
import { begin, fitting } from "loupe/fitting";
import { backwardBatch, forwardBatch } from "loupe/gradients";
import { USUAL, parseNetwork } from "loupe/language";
import { decide, forward, silentUnits } from "loupe/network";
import { crossEntropy, initialise, preprocessingOf, shuffles, train, zerosLike } from "loupe/training";

import { cases, close, face, numbers } from "./made.mjs";

/** @type {[number, number]} */
const SIZE = [11, 13];
const CNN = "conv 4 3x4 relu, pool 2, dense 4 relu";
const FCNN = "dense 4 relu";
const how = { ...USUAL, batch: 3, epochs: 2 };

/** @param {number} n */
function twoPeople(n) {
  const faces = Array.from({ length: n }, (_, index) => {
    const noise = face(SIZE, numbers(index));
    return noise.map((pixel, place) => 0.3 * pixel + (place % 13 < 6 === index % 2 > 0 ? 0.6 : 0.1));
  });
  return { faces, labels: faces.map((_, index) => index % 2) };
}

test("the way back agrees with finite differences, through every kind of layer", () => {
  let checked = 0;
  for (const { sentence, network, face: portrait, outputs } of cases(2)) {
    // These differ in training, where PyTorch checks them.
    if (sentence.includes("dropout") || sentence.includes("batchnorm")) continue;
    const slopes = [Float64Array.from({ length: outputs }, (_, index) => 1 - 0.7 * index)];
    const gradients = zerosLike(network);
    const input = portrait.map((pixel) => (pixel - network.mean) / network.scale);
    backwardBatch(forwardBatch(network, [input], Math.random), network.weights, slopes, gradients);
    const value = () =>
      Array.from(forward(network, portrait).logits).reduce((sum, logit, index) => sum + logit * slopes[0][index], 0);
    const random = numbers(7);
    for (const [name, weights] of Object.entries(network.weights)) {
      for (let repeat = 0; repeat < 8; repeat++) {
        const index = Math.floor(((random() + 1) / 2) * weights.length);
        const middle = weights[index];
        const [above, below] = [1e-3, -1e-3].map((step) => {
          weights[index] = middle + step;
          return { weight: weights[index], value: value() };
        });
        weights[index] = middle;
        const slope = (above.value - below.value) / (above.weight - below.weight);
        if (Math.abs(slope - gradients[name][index]) < 5e-3 * Math.max(1, Math.abs(slope))) checked++;
      }
    }
  }
  assert.ok(checked > 0.95 * 2 * 8 * (6 + 6 + 6 + 8), `${checked} agree; a few sit on the corner of a ReLU`);
});

test("a shut network learns nothing but its last bias", () => {
  const network = initialise(parseNetwork(CNN), SIZE, 1, 0);
  network.weights["hidden.bias"].fill(-100);
  const before = structuredClone(network.weights);
  const { faces } = twoPeople(4);
  [...train({ network, faces, labels: [1, 1, 1, 0], training: how, seed: 0 })];
  for (const [name, values] of Object.entries(network.weights)) {
    if (name === "output.bias") assert.notDeepEqual(values, before[name]);
    else assert.deepEqual(values, before[name], name);
  }
});

test("cross-entropy never overflows", () => {
  for (const logit of [-3, -0.5, 0, 2])
    close(crossEntropy(Float64Array.of(logit), 1), Math.log(1 + Math.exp(-logit)), 1e-12);
  assert.equal(crossEntropy(Float64Array.of(-1000), 1), 1000);
  assert.equal(crossEntropy(Float64Array.of(1000), 1), 0);
  assert.equal(crossEntropy(Float64Array.of(1000, 0, 0), 1), 1000);
  close(crossEntropy(Float64Array.of(2, 2, 2, 2), 3), Math.log(4), 1e-12);
});

for (const sentence of [`${FCNN}; preprocess centre`, `${CNN}; preprocess standardise, optimiser adam`]) {
  test(`"${sentence}" learns two people who differ, and says how it goes`, () => {
    const { faces, labels } = twoPeople(12);
    const heldOut = twoPeople(16).faces.slice(12);
    const task = { sentence, seed: 3, size: SIZE, outputs: 1, faces, labels, heldOut, heldOutLabels: [0, 1, 0, 1] };
    const network = begin(task);
    const epochs = [...fitting(task, network)];
    assert.equal(epochs.length, 20);
    assert.ok(epochs[19].loss < 0.7 * epochs[0].loss);
    faces.forEach((portrait, index) => assert.equal(decide(forward(network, portrait).logits), labels[index]));
    const passes = heldOut.map((portrait) => forward(network, portrait).logits);
    close(
      epochs[19].heldOutAccuracy ?? NaN,
      passes.filter((logits, index) => decide(logits) === index % 2).length / 4,
      0,
    );
    close(
      epochs[19].heldOutLoss ?? NaN,
      passes.reduce((sum, logits, index) => sum + crossEntropy(logits, index % 2), 0) / 4,
      1e-12,
    );
    assert.deepEqual(epochs[19].weights, network.weights);
    const silent = silentUnits(network, faces).map(({ units }) => units.filter(Boolean).length);
    assert.deepEqual(Object.values(epochs[19].dead), silent);
  });
}

test("training yields after every batch, and after an epoch with what it came to", () => {
  const { faces, labels } = twoPeople(7);
  const network = initialise(parseNetwork(CNN), SIZE, 1, 1);
  const steps = [...train({ network, faces, labels, training: how, seed: 1 })];
  assert.deepEqual(
    steps.map(({ epoch, step, done, end }) => [epoch, step, done, end !== undefined]),
    [1, 2].flatMap((epoch) => [1, 2, 3].map((step) => [epoch, step, epoch === 2 && step === 3, step === 3])),
  );
});

test("the same seed gives the same network, another seed another", () => {
  const { faces, labels } = twoPeople(6);
  const [one, same, other] = [1, 1, 2].map((seed) => {
    const network = initialise(parseNetwork(FCNN), SIZE, 1, seed);
    [...train({ network, faces, labels, training: how, seed })];
    return network.weights;
  });
  assert.deepEqual(one, same);
  assert.notDeepEqual(one, other);
});

test("fresh weights have the spread that Keras gives them", () => {
  for (const [initialisation, variance] of /** @type {const} */ ([
    ["glorot_uniform", 2 / (784 + 64)],
    ["glorot_normal", 2 / (784 + 64)],
    ["he_uniform", 2 / 784],
    ["he_normal", 2 / 784],
  ])) {
    const { weights } = initialise(parseNetwork(`dense 64; initialisation ${initialisation}`), [28, 28], 1, 0);
    const values = Array.from(weights["hidden.weight"]);
    const spread = values.reduce((sum, value) => sum + value ** 2, 0) / values.length;
    close(spread / variance, 1, 0.03, initialisation);
    const most = initialisation.endsWith("uniform") ? Math.sqrt(3) : 2 / 0.8796;
    assert.ok(
      values.every((value) => Math.abs(value) <= most * Math.sqrt(variance) * 1.001),
      initialisation,
    );
    assert.ok(weights["hidden.bias"].every((bias) => bias === 0));
  }
});

test("each epoch has an order of its own, and any first capture is as likely", () => {
  const orders = shuffles(5, 2000, 9);
  const firsts = [0, 0, 0, 0, 0];
  assert.notDeepEqual(shuffles(5, 1, 1), shuffles(5, 1, 2));
  for (const order of orders) {
    assert.deepEqual([...order].sort(), [0, 1, 2, 3, 4]);
    firsts[order[0]]++;
  }
  assert.ok(firsts.every((count) => Math.abs(count - 400) < 90)); // five standard deviations
  assert.ok(new Set(orders.map(String)).size === 120, "all permutations occur");
});

test("preprocessing takes its statistics from all pixels", () => {
  const faces = [new Float32Array([0, 1]), new Float32Array([0.5, 0.25])];
  assert.deepEqual(preprocessingOf("none", faces), { mean: 0, scale: 1 });
  assert.deepEqual(preprocessingOf("centre", faces), { mean: 0.4375, scale: 1 });
  close(preprocessingOf("standardise", faces).scale, Math.sqrt(0.13671875), 1e-12);
});

test("a worker's script holds the modules that it needs and runs without imports", async () => {
  const folder = new URL("../../../src/faceloupe/report/static/loupe/", import.meta.url);
  const script = bundle("loupe/worker", (name) => readFileSync(new URL(`${name.slice(6)}.js`, folder), "utf8"));
  assert.doesNotMatch(script, /^(import|export) /m);
  /** @type {{news?: {loss: number}, done?: boolean, seed: number}[]} */
  const messages = [];
  /** @type {(event: {data: unknown}) => void} */
  let receive = () => {};
  const self = {
    /** @param {string} _ @param {(event: {data: unknown}) => void} listener */
    addEventListener: (_, listener) => (receive = listener),
    /** @param {{news?: {loss: number}, done?: boolean, seed: number}} message */
    postMessage: (message) => messages.push(message),
  };
  const { runInNewContext } = await import("node:vm");
  runInNewContext(script, { self, Float32Array });
  const { faces, labels } = twoPeople(6);
  receive({
    data: {
      sentence: `${FCNN}; epochs 2`,
      seed: 4,
      size: SIZE,
      outputs: 1,
      faces,
      labels,
      heldOut: [],
      heldOutLabels: [],
    },
  });
  assert.deepEqual(
    messages.map(({ news, done }) => [Boolean(news), Boolean(done)]),
    [
      [false, false],
      [true, false],
      [true, false],
      [false, true],
    ],
  );
});
