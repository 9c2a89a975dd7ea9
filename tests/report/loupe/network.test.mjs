import assert from "node:assert/strict";
import test from "node:test";

import { convolutionAt, poolingAt, unseen } from "loupe/cells";
import { ledger } from "loupe/ledger";
import {
  decide,
  forward,
  inputOf,
  parametersOf,
  placesOf,
  probabilitiesOf,
  readNetwork,
  silentUnits,
} from "loupe/network";

import { cases, close, face, network, numbers } from "./made.mjs";

/** @param {number[]} shape */
function* positions([channels, rows, columns]) {
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) yield /** @type {const} */ ([channel, row, column]);
    }
  }
}

test("every number of every convolution is the sum of its products and its bias", () => {
  let checked = 0;
  for (const { network: made, face: portrait } of cases()) {
    const pass = forward(made, portrait);
    for (const layer of placesOf(made, "convolution")) {
      let index = 0;
      for (const cell of positions(made.layers[layer].output)) {
        const { patch, kernel, products, channels, sum, bias, value } = convolutionAt(made, pass, layer, ...cell);
        products.forEach((product, tap) => assert.equal(product, patch[tap] * kernel[tap]));
        close(
          channels.reduce((before, part) => before + part, 0),
          sum,
          1e-12,
        );
        close(value, sum + bias, 0);
        close(pass.outputs[layer][index++], value, 1e-5, `convolution at ${cell}`);
        checked++;
      }
    }
  }
  assert.ok(checked > 1000);
});

test("the patch is the part of the input under the kernel", () => {
  const made = network("conv 3 3x4 relu, pool 2, dense 5 relu", [11, 13], 1, 0);
  const portrait = face([11, 13], numbers(1));
  const pass = forward(made, portrait);
  pass.input.forEach((value, index) => close(value, (portrait[index] - made.mean) / made.scale, 1e-6));
  const { patch } = convolutionAt(made, pass, 0, 1, 2, 3);
  const expected = [2, 3, 4].flatMap((row) => [3, 4, 5, 6].map((column) => pass.input[row * 13 + column]));
  assert.deepEqual([...patch], expected);
});

test("what a padding puts around a face is 0", () => {
  const made = network("conv 5 3x3 stride 2 padding 1 relu, dense 6 relu", [12, 10], 1, 0);
  const pass = forward(made, face([12, 10], numbers(1)));
  const { patch } = convolutionAt(made, pass, 0, 0, 0, 0);
  assert.deepEqual([...patch.subarray(0, 4)], [0, 0, 0, 0]);
  assert.deepEqual(
    [patch[4], patch[5], patch[7], patch[8]],
    [0, 1, 10, 11].map((index) => pass.input[index]),
  );
});

test("a pooled number is the largest or the mean of its window, and the first of the largest wins", () => {
  for (const { network: made, face: portrait } of cases()) {
    const pass = forward(made, portrait);
    for (const layer of placesOf(made, "pooling")) {
      let index = 0;
      for (const cell of positions(made.layers[layer].output)) {
        const { values, rows, columns, winner, ties, value } = poolingAt(made, pass, layer, ...cell);
        assert.equal(value, pass.outputs[layer][index++]);
        if (winner) {
          const first = values.indexOf(Math.max(...values));
          assert.equal(value, Math.max(...values));
          assert.equal(winner.row, rows[0] + Math.floor(first / (columns[1] - columns[0])));
          assert.equal(winner.column, columns[0] + (first % (columns[1] - columns[0])));
          assert.equal(ties, values.filter((other) => other === value).length);
        } else close(value, values.reduce((sum, other) => sum + other, 0) / values.length, 1e-6);
        const [, height, width] = made.layers[layer].input;
        assert.ok(rows[1] <= height && columns[1] <= width);
      }
    }
  }
});

test("what no window covers is counted", () => {
  const tutorial = network("conv 4 8x8 relu, pool 4, dense 4 relu", [64, 64], 1, 0);
  const pooling = tutorial.layers[2];
  assert.ok(pooling.kind === "pooling");
  assert.deepEqual(unseen(pooling), { rows: 1, columns: 1 });
  assert.deepEqual(pooling.output, [4, 14, 14]);
  assert.equal(parametersOf(tutorial), 3405);
});

test("the ledger adds up to every logit", () => {
  for (const { network: made, face: portrait, outputs } of cases()) {
    const pass = forward(made, portrait);
    for (let target = 0; target < outputs; target++) {
      const { terms, bias, logit, units, features } = ledger(made, pass, target);
      assert.equal(terms.length, features.length);
      assert.equal(logit, pass.logits[target]);
      close(
        terms.reduce((sum, term) => sum + term, bias),
        logit,
        1e-6,
        "terms",
      );
      const last = made.weights["output.bias"][target];
      if (units.length)
        close(
          units.reduce((sum, { contribution }) => sum + contribution, last),
          logit,
          1e-6,
          "units",
        );
    }
  }
});

test("one logit is the second class's, several are one a class", () => {
  assert.equal(decide(Float64Array.of(-0.1)), 0);
  assert.equal(decide(Float64Array.of(0.1)), 1);
  assert.equal(decide(Float64Array.of(1, 3, 2)), 1);
  const [first, second] = probabilitiesOf(Float64Array.of(Math.log(3)));
  close(second, 0.75, 1e-12);
  close(first, 0.25, 1e-12);
  probabilitiesOf(Float64Array.of(1000, 1000)).forEach((probability) => close(probability, 0.5, 1e-12));
});

test("a unit is silent when it puts out 0 for every face, and one face wakes it", () => {
  const made = network("conv 3 3x4 relu, pool 2, dense 5 relu", [11, 13], 1, 1);
  const faces = [2, 3, 4].map((seed) => face([11, 13], numbers(seed)));
  made.weights["conv.bias"].set([100, -100, 100]);
  made.weights["hidden.bias"].set([1e6, -1e6, 1e6, -1e6, 1e6]);
  assert.deepEqual(silentUnits(made, faces), [
    { layer: 1, units: [false, true, false] },
    { layer: 5, units: [false, true, false, true, false] },
  ]);
  const small = network("dense 2 relu", [1, 2], 1, 0);
  small.weights["hidden.weight"].set([1, -1, -1, 1]);
  small.weights["hidden.bias"].fill(0);
  const [left, right] = [new Float32Array([1, 0]), new Float32Array([0, 1])];
  assert.deepEqual(silentUnits(small, [left])[0].units, [false, true]);
  assert.deepEqual(silentUnits(small, [left, right])[0].units, [false, false]);
  assert.deepEqual(silentUnits(network("dense 3 leaky", [1, 2], 1, 0), [left]), [], "a leaky ReLU passes something on");
});

test("weights are copied, and those of other faces are refused in words", () => {
  const weights = {
    "hidden.weight": { data: new Float32Array(60), shape: [4, 15] },
    "hidden.bias": { data: new Float32Array(4), shape: [4] },
  };
  /** @type {import("loupe/network").LayerDocument[]} */
  const layers = [
    { kind: "flatten", name: "flatten" },
    { kind: "dense", name: "hidden" },
  ];
  const made = readNetwork(layers, { mean: 0, scale: 1 }, weights, [3, 5]);
  made.weights["hidden.bias"][0] = 1;
  assert.equal(weights["hidden.bias"].data[0], 0);
  assert.throws(
    () => readNetwork(layers, { mean: 0, scale: 1 }, weights, [3, 6]),
    /hidden must take 15 numbers, but is given 18/,
  );
});

test("what reaches a layer is what the one before puts out", () => {
  const { network: made, face: portrait } = [...cases(1)][0];
  const pass = forward(made, portrait);
  assert.equal(inputOf(pass, 0), pass.input);
  assert.equal(inputOf(pass, 2), pass.outputs[1]);
});
