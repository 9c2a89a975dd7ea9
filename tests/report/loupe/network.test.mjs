import assert from "node:assert/strict";
import test from "node:test";

import { convolutionAt, deadUnits, forward, ledger, poolingAt, readNetwork, unseen } from "loupe/network";

import { array, cases, close, cnn, face, fcnn, numbers, SIZES } from "./made.mjs";

const cnnCases = () => [...cases()].filter(({ network }) => network.kind === "cnn");
const relu = (value) => Math.max(value, 0);

function* positions({ filters, ...network }, side) {
  for (let filter = 0; filter < filters; filter++) {
    for (let row = 0; row < network[side][0]; row++) {
      for (let column = 0; column < network[side][1]; column++) yield [filter, row, column];
    }
  }
}

test("sizes come from the weights, the window and the face", () => {
  const { kernel, map, pool, pooled, filters, hidden } = cnn(SIZES[2], 0);
  assert.deepEqual({ kernel, map, pool, pooled }, { kernel: [5, 2], map: [9, 10], pool: [3, 4], pooled: [3, 2] });
  assert.deepEqual([filters, hidden], [2, 3]);
  const tutorial = cnn({ size: [64, 64], kernel: [8, 8], filters: 4, hidden: 4 }, 0);
  assert.deepEqual(
    [tutorial.pool, tutorial.pooled],
    [
      [4, 4],
      [14, 14],
    ],
  );
  assert.deepEqual(unseen(tutorial), { rows: 1, columns: 1 });
  assert.deepEqual(unseen(cnn(SIZES[2], 0)), { rows: 0, columns: 2 });
});

test("weights of other faces are refused in words", () => {
  const weights = { "hidden.weight": array([4, 12], numbers(0)) };
  const entry = { kind: "fcnn", preprocessing: { mean: 0, scale: 1 } };
  assert.throws(() => readNetwork(entry, weights, [3, 5]), /must have 15 columns for a FCNN on faces of 3x5 .* has 12/);
});

test("weights are copied: training leaves the document alone", () => {
  const weights = Object.fromEntries(
    Object.entries(fcnn(SIZES[1], 0).weights).map(([name, data]) => [name, { data, shape: [5, data.length / 5] }]),
  );
  const network = readNetwork({ kind: "fcnn", preprocessing: { mean: 0, scale: 1 } }, weights, [11, 13]);
  const before = weights["hidden.bias"].data[0];
  network.weights["hidden.bias"][0] = before + 1;
  assert.equal(weights["hidden.bias"].data[0], before);
});

test("every number of the convolution is the sum of its products and its bias", () => {
  for (const { network, face } of cnnCases()) {
    const pass = forward(network, face);
    assert.equal(pass.conv.length, network.filters * network.map[0] * network.map[1]);
    let index = 0;
    for (const place of positions(network, "map")) {
      const { patch, kernel, products, sum, bias, value, relu: after } = convolutionAt(network, pass, ...place);
      assert.equal(products.length, network.kernel[0] * network.kernel[1]);
      products.forEach((product, tap) => assert.equal(product, patch[tap] * kernel[tap]));
      close(value, sum + bias, 0);
      assert.equal(after, relu(value));
      close(pass.conv[index++], value, 1e-6, `convolution at ${place}`);
    }
  }
});

test("the patch is the part of the input under the kernel", () => {
  const network = cnn(SIZES[1], 0);
  const portrait = face([11, 13], numbers(1));
  const pass = forward(network, portrait);
  pass.input.forEach((value, index) => close(value, (portrait[index] - network.mean) / network.scale, 1e-6));
  const { patch } = convolutionAt(network, pass, 1, 2, 3);
  const expected = [2, 3, 4].flatMap((row) => [3, 4, 5, 6].map((column) => pass.input[row * 13 + column]));
  assert.deepEqual([...patch], expected);
});

test("ReLU of the pooled is the pooled of the ReLU", () => {
  for (const { network, face } of cnnCases()) {
    const pass = forward(network, face);
    let index = 0;
    for (const place of positions(network, "pooled")) {
      const { rows, columns, values, value } = poolingAt(network, pass, ...place);
      const before = [];
      for (let row = rows[0]; row < rows[1]; row++) {
        for (let column = columns[0]; column < columns[1]; column++) {
          before.push(pass.conv[(place[0] * network.map[0] + row) * network.map[1] + column]);
        }
      }
      assert.deepEqual([...values], before.map(relu));
      assert.equal(value, relu(Math.max(...before)));
      assert.equal(pass.pool[index++], value);
    }
    assert.equal(index, pass.pool.length);
  }
});

test("the winner is the first of the largest, and ties are counted", () => {
  for (const { network, face } of cnnCases()) {
    const pass = forward(network, face);
    for (const place of positions(network, "pooled")) {
      const { values, rows, columns, winner, ties, value } = poolingAt(network, pass, ...place);
      const first = values.indexOf(Math.max(...values));
      assert.equal(winner.value, value);
      assert.equal(winner.row, rows[0] + Math.floor(first / network.pool[1]));
      assert.equal(winner.column, columns[0] + (first % network.pool[1]));
      assert.equal(ties, [...values].filter((other) => other === value).length);
    }
  }
});

test("a flat face makes ties above 0, won by the first cell too", () => {
  const network = cnn(SIZES[1], 0);
  network.weights["conv.bias"].fill(100);
  const pass = forward(network, new Float32Array(11 * 13).fill(0.7));
  const { ties, winner } = poolingAt(network, pass, 1, 2, 3);
  assert.deepEqual([ties, winner.row, winner.column], [4, 4, 6]);
});

test("a silent window is a tie of all its cells, won by the first", () => {
  const network = cnn(SIZES[1], 0);
  network.weights["conv.bias"].fill(-100);
  const pass = forward(network, face([11, 13], numbers(1)));
  const { ties, value, winner } = poolingAt(network, pass, 0, 1, 2);
  assert.deepEqual([ties, value, winner], [4, 0, { row: 2, column: 4, value: 0 }]);
});

test("the ledger adds up to the logit, feature by feature and unit by unit", () => {
  for (const { network, face } of cases()) {
    const pass = forward(network, face);
    const { terms, bias, units, logit } = ledger(network, pass);
    assert.equal(terms.length, pass.features.length);
    assert.equal(logit, pass.logit);
    close(
      terms.reduce((sum, term) => sum + term, bias),
      logit,
      1e-9,
      "terms",
    );
    const output = network.weights["output.bias"][0];
    close(
      units.reduce((sum, { contribution }) => sum + contribution, output),
      logit,
      1e-9,
      "units",
    );
    for (const { sum, output, open, weight, contribution } of units) {
      assert.deepEqual([output, open, contribution], [relu(sum), sum > 0, weight * output]);
    }
    close(pass.probability, 1 / (1 + Math.exp(-logit)), 0);
  }
});

test("a term is what the logit loses when its feature falls to 0", () => {
  const network = fcnn(SIZES[1], 4);
  network.weights["hidden.bias"].set([50, -50, 50, 50, -50]); // no unit changes sides
  const portrait = face([11, 13], numbers(5));
  const { terms, logit } = ledger(network, forward(network, portrait));
  for (const pixel of [0, 40, 142]) {
    const without = portrait.slice();
    without[pixel] = network.mean; // 0 after preprocessing
    close(logit - forward(network, without).logit, terms[pixel], 1e-6);
  }
});

test("a unit is dead when it is silent for every face", () => {
  const network = cnn(SIZES[1], 1);
  const faces = [2, 3, 4].map((seed) => face([11, 13], numbers(seed)));
  network.weights["conv.bias"].set([100, -100, 100]);
  network.weights["hidden.bias"].set([1e6, -1e6, 1e6, -1e6, 1e6]);
  assert.deepEqual(deadUnits(network, faces), {
    conv: [false, true, false],
    hidden: [false, true, false, true, false],
  });
  assert.deepEqual(deadUnits(fcnn(SIZES[1], 1), faces).conv, []);
});

test("a unit that one face wakes is not dead", () => {
  const network = fcnn({ size: [1, 2], hidden: 2 }, 0, { mean: 0, scale: 1 });
  network.weights["hidden.weight"].set([1, -1, -1, 1]);
  network.weights["hidden.bias"].fill(0);
  const [left, right] = [new Float32Array([1, 0]), new Float32Array([0, 1])];
  assert.deepEqual(deadUnits(network, [left]).hidden, [false, true]);
  assert.deepEqual(deadUnits(network, [left, right]).hidden, [false, false]);
});
