import assert from "node:assert/strict";
import test from "node:test";

import { deadUnits, forward } from "loupe/network";
import { backward, crossEntropy, initialise, meanPixel, shuffles, training } from "loupe/training";

import { cases, close, face, numbers } from "./made.mjs";

const SIZE = [11, 13];
const KERNELS = { kernel: [3, 4], pool: [2, 2] };

function twoPeople(n) {
  const faces = Array.from({ length: n }, (_, index) => {
    const noise = face(SIZE, numbers(index));
    return noise.map((pixel, place) => 0.3 * pixel + (place % 13 < 6 === index % 2 > 0 ? 0.6 : 0.1));
  });
  return { faces, labels: faces.map((_, index) => index % 2) };
}

const lossOf = (network, portrait, label) => crossEntropy(forward(network, portrait).logit, label);

test("the backward pass agrees with finite differences", () => {
  const step = 1e-2; // the logit is linear in any one weight while no ReLU and no winner changes
  let checked = 0;
  for (const { network, face } of cases(4)) {
    const random = numbers(7);
    const pass = forward(network, face);
    const gradients = zeros(network.weights);
    backward(network, pass, 1, gradients);
    for (const [name, weights] of Object.entries(network.weights)) {
      for (let repeat = 0; repeat < 12; repeat++) {
        const index = Math.floor(((random() + 1) / 2) * weights.length);
        const middle = weights[index];
        const [above, below] = [step, -step].map((offset) => {
          weights[index] = middle + offset;
          return { weight: weights[index], ...forward(network, face) };
        });
        weights[index] = middle;
        if (sides(above) !== sides(pass) || sides(below) !== sides(pass)) continue;
        const slope = (above.logit - below.logit) / (above.weight - below.weight);
        close(gradients[name][index], slope, 1e-3, `${network.kind} ${name} ${index}`);
        if (Math.abs(slope) > 0.1) checked++;
      }
    }
  }
  assert.ok(checked > 500, `${checked} derivatives that are not about 0 were compared`);
});

test("the slope of the loss with the logit is probability less label", () => {
  for (const logit of [-4, -0.3, 0.2, 3]) {
    for (const label of [0, 1]) {
      const slope = (crossEntropy(logit + 1e-4, label) - crossEntropy(logit - 1e-4, label)) / 2e-4;
      close(1 / (1 + Math.exp(-logit)) - label, slope, 1e-7);
    }
  }
});

const zeros = (weights) =>
  Object.fromEntries(Object.entries(weights).map(([name, { length }]) => [name, new Float64Array(length)]));

const sides = ({ pool, winners, hidden }) =>
  [...hidden].map((value) => value > 0).join() + winners?.join() + pool?.map(Math.sign).join();

test("a shut network learns nothing but its last bias", () => {
  const network = initialise("cnn", SIZE, 0, KERNELS);
  network.weights["hidden.bias"].fill(-100);
  const before = structuredClone(network.weights);
  const { faces } = twoPeople(4);
  const labels = [1, 1, 1, 0];
  [...training({ network, faces, labels, epochs: 2, batchSize: 2, learningRate: 0.01, seed: 0 })];
  for (const [name, values] of Object.entries(network.weights)) {
    if (name === "output.bias") assert.notDeepEqual(values, before[name]);
    else assert.deepEqual(values, before[name], name);
  }
});

test("cross-entropy is -log of the probability of the label, and never overflows", () => {
  for (const logit of [-3, -0.5, 0, 2]) {
    close(crossEntropy(logit, 1), Math.log(1 + Math.exp(-logit)), 1e-12);
    close(crossEntropy(logit, 0), Math.log(1 + Math.exp(logit)), 1e-12);
  }
  assert.equal(crossEntropy(-1000, 1), 1000);
  assert.equal(crossEntropy(1000, 1), 0);
});

for (const kind of ["fcnn", "cnn"]) {
  test(`a ${kind} learns two people who differ`, () => {
    const { faces, labels } = twoPeople(12);
    const network = initialise(kind, SIZE, 3, { ...KERNELS, mean: meanPixel(faces) });
    const epochs = [
      ...training({ network, faces, labels, epochs: 20, batchSize: 5, learningRate: 3e-3, seed: 3 }),
    ].filter(({ weights }) => weights);
    assert.ok(epochs.at(-1).loss < 0.5 * epochs[0].loss, `${epochs[0].loss} -> ${epochs.at(-1).loss}`);
    faces.forEach((portrait, index) => assert.equal(Number(forward(network, portrait).logit > 0), labels[index]));
  });

  test(`a ${kind} yields after every batch, and after an epoch with what became of it`, () => {
    const { faces, labels } = twoPeople(7);
    const network = initialise(kind, SIZE, 1, KERNELS);
    const told = [];
    for (const progress of training({ network, faces, labels, epochs: 2, batchSize: 3, learningRate: 1e-3, seed: 1 })) {
      told.push(progress);
      if (!progress.weights) continue;
      assert.deepEqual(progress.weights, network.weights);
      assert.notEqual(progress.weights["hidden.weight"], network.weights["hidden.weight"]);
      assert.deepEqual(progress.dead, deadUnits(network, faces));
    }
    assert.deepEqual(
      told.map(({ epoch, step, done, loss }) => [epoch, step, done, loss !== undefined]),
      [1, 2].flatMap((epoch) => [1, 2, 3].map((step) => [epoch, step, epoch === 2 && step === 3, step === 3])),
    );
    assert.ok(told.every(({ accuracy = 0 }) => accuracy >= 0 && accuracy <= 1));
  });
}

test("with a rate of 0 an epoch's loss and accuracy are those of the network", () => {
  const { faces, labels } = twoPeople(7);
  const network = initialise("cnn", SIZE, 2, KERNELS);
  const last = [...training({ network, faces, labels, epochs: 1, batchSize: 3, learningRate: 0, seed: 0 })].at(-1);
  const losses = faces.map((portrait, index) => lossOf(network, portrait, labels[index]));
  const right = faces.filter((portrait, index) => Number(forward(network, portrait).logit > 0) === labels[index]);
  close(last.loss, losses.reduce((sum, loss) => sum + loss) / 7, 1e-12);
  close(last.accuracy, right.length / 7, 1e-12);
});

test("the first step moves every weight by rate / sqrt(1 - ρ) at most, against its gradient", () => {
  const { faces, labels } = twoPeople(6);
  const network = initialise("fcnn", SIZE, 2);
  const before = structuredClone(network.weights);
  const gradients = zeros(network.weights);
  const orders = [[5, 1, 3, 0, 2, 4]];
  orders[0].slice(0, 4).forEach((index) => {
    const pass = forward(network, faces[index]);
    backward(network, pass, (pass.probability - labels[index]) / 4, gradients);
  });
  training({ network, faces, labels, batchSize: 4, learningRate: 0.01, orders }).next();
  for (const [name, values] of Object.entries(network.weights)) {
    values.forEach((value, index) => {
      const slope = gradients[name][index];
      close(value - before[name][index], (-0.01 * slope) / Math.sqrt(0.1 * slope ** 2 + 1e-7), 1e-6, name);
    });
  }
});

test("the same seed gives the same network, another seed another", () => {
  const { faces, labels } = twoPeople(6);
  const [one, same, other] = [5, 5, 6].map((seed) => {
    const network = initialise("cnn", SIZE, seed, KERNELS);
    [...training({ network, faces, labels, epochs: 2, batchSize: 4, learningRate: 1e-3, seed })];
    return network.weights;
  });
  assert.deepEqual(one, same);
  assert.notDeepEqual(one, other);
});

test("fresh weights fill their Glorot range evenly, and biases are 0", () => {
  const { weights } = initialise("cnn", [64, 64], 0);
  for (const [name, limit] of [
    ["conv.weight", Math.sqrt(6 / (64 + 4 * 64))],
    ["hidden.weight", Math.sqrt(6 / (784 + 4))],
  ]) {
    const values = Array.from(weights[name]);
    const spread = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
    assert.ok(values.every((value) => Math.abs(value) <= limit));
    close(values.reduce((sum, value) => sum + value, 0) / values.length, 0, 0.15 * limit, `${name}: mean`);
    close(spread, limit / Math.sqrt(3), 0.01, `${name}: standard deviation`);
  }
  for (const name of ["conv.bias", "hidden.bias", "output.bias"]) assert.ok(weights[name].every((bias) => bias === 0));
  assert.equal(
    Object.values(weights).reduce((sum, { length }) => sum + length, 0),
    3405,
  );
  assert.equal(
    Object.values(initialise("fcnn", [64, 64], 0).weights).reduce((sum, { length }) => sum + length, 0),
    16393,
  );
});

test("kernel and window are clipped to small faces", () => {
  const { kernel, map, pool, pooled } = initialise("cnn", [9, 5], 0);
  assert.deepEqual({ kernel, map, pool, pooled }, { kernel: [8, 5], map: [2, 1], pool: [2, 1], pooled: [1, 1] });
});

test("each epoch has an order of its own, and any first capture is as likely", () => {
  const orders = shuffles(5, 2000, 9);
  const firsts = [0, 0, 0, 0, 0];
  assert.notDeepEqual(shuffles(5, 1, 1), shuffles(5, 1, 2));
  for (const order of orders) {
    assert.deepEqual([...order].sort(), [0, 1, 2, 3, 4]);
    firsts[order[0]]++;
  }
  assert.ok(
    firsts.every((count) => Math.abs(count - 400) < 90),
    `${firsts}`,
  ); // five standard deviations
  assert.ok(new Set(orders.map(String)).size === 120, "all permutations occur");
});

test("the mean pixel is the mean of all", () => {
  close(meanPixel([new Float32Array([0, 1]), new Float32Array([0.5, 0.25])]), 0.4375, 1e-12);
});
