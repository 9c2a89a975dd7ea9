import assert from "node:assert/strict";
import test from "node:test";

import { parseNetwork, trainingText } from "loupe/language";
import { SentenceError } from "loupe/phrase";
import { planNetwork } from "loupe/planning";

test("a sentence is read as faceloupe.training reads it", () => {
  const { layers, training } = parseNetwork(
    "conv 16 5x3 stride 2 padding 1 relu, batchnorm leaky relu, pool 3 stride 2, average pool 2, dropout 0.25, " +
      "dense 64 tanh; " +
      "optimiser adam, epochs 40, batch 8, decay 0.01, initialisation he_normal, preprocess centre",
  );
  assert.deepEqual(
    layers.map((layer) => ({ ...layer, text: undefined })),
    [
      { text: undefined, kind: "conv", count: 16, size: [5, 3], stride: [2, 2], padding: [1, 1], activation: "relu" },
      { text: undefined, kind: "batchnorm", activation: "leaky" },
      { text: undefined, kind: "pool", size: [3, 3], stride: [2, 2], average: false },
      { text: undefined, kind: "pool", size: [2, 2], stride: [2, 2], average: true },
      { text: undefined, kind: "dropout", rate: 0.25 },
      { text: undefined, kind: "dense", count: 64, activation: "tanh" },
    ],
  );
  assert.deepEqual(training, {
    optimiser: "adam",
    rate: 0.001,
    batch: 8,
    epochs: 40,
    decay: 0.01,
    initialisation: "he_normal",
    preprocess: "centre",
  });
  assert.equal(parseNetwork("dense 4; optimiser sgd").training.rate, 0.01);
  assert.equal(
    trainingText(training),
    "optimiser adam, batch 8, epochs 40, decay 0.01, initialisation he_normal, preprocess centre",
  );
  assert.equal(trainingText(parseNetwork("dense 4").training), "");
});

/** @type {[string, string, RegExp][]} */
const WRONG = [
  ["dense 4 relo", "relo", /Did you mean relu\?/],
  ["cnv 4 8x8", "cnv", /Did you mean conv\?/],
  ["conv four 8x8", "four", /whole number/],
  ["conv 4 8x8 relu pool 4", "pool", /comma is missing/],
  ["conv 4 8x8,, dense 4", ",", /there is nothing/],
  ["dense 4, conv 4 3x3", "conv 4 3x3", /needs rows and columns/],
  ["dense 4; epochs 0", "0", /from 1 to 500/],
  ["dense 4; epochs 3, epochs 4", "epochs", /said twice/],
  ["dense 4; augment mirror", "augment", /faceloupe train/],
  ["dense 4, epochs 3", "epochs", /semicolon/],
  ["conv 4 4x4 padding same", "same", /odd sides/],
  ["conv 4 3x3 padding 3", "3", /smaller than the kernel/],
  ["dropout 1", "1", /above 0 and below 1/],
  ["conv 4 3x3 stride 2 stride 1", "stride", /said twice/],
  ["dense 4 relu relu", "relu", /not expected here/],
];
for (const [sentence, word, said] of WRONG) {
  test(`"${sentence}" is refused, with the place and the remedy`, () => {
    assert.throws(
      () => parseNetwork(sentence),
      (error) => {
        assert.ok(error instanceof SentenceError);
        assert.match(error.message, said);
        assert.ok(
          sentence.slice(error.start, error.stop).includes(word) || error.stop - error.start === 1,
          `${error.start}`,
        );
        return true;
      },
    );
  });
}

test("a plan names its layers as the torch module does, and says what is too large", () => {
  const { layers, shapes } = planNetwork(parseNetwork("conv 4 8x8 relu, pool 4, dense 4 relu").layers, [64, 64], 1);
  assert.deepEqual(
    layers.map(({ name }) => name),
    ["conv", "conv_relu", "pool", "flatten", "hidden", "hidden_relu", "output"],
  );
  assert.deepEqual(shapes["hidden.weight"], [4, 784]);
  assert.throws(() => planNetwork(parseNetwork("conv 4 9x9, dense 2").layers, [8, 8], 1), /“conv 4 9x9” is larger/);
  assert.throws(() => planNetwork(parseNetwork("dense 4000, dense 4000").layers, [64, 64], 1), /too many for a page/);
});
