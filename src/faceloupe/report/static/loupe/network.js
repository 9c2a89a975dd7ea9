/**
 * The two small networks, run step by step with every number in the open.
 *
 * FCNN: pixels -> hidden dense -> ReLU -> output dense. CNN: pixels -> valid convolution of step 1 -> ReLU ->
 * max-pooling without overlap -> hidden dense -> ReLU -> output dense. The one output is the logit of class 1.
 * Maps are flat and row-major, (filters, rows, columns); numbers are kept in single precision and added in double.
 *
 * @typedef {import("loupe/arrays").NDArray} NDArray
 * @typedef {import("loupe/layers").Pair} Pair
 *
 * @typedef {object} Network
 * @property {"fcnn" | "cnn"} kind
 * @property {number} height  Of the faces, in pixels.
 * @property {number} width
 * @property {number} filters  0 in an FCNN, and the four sizes below [0, 0].
 * @property {Pair} kernel
 * @property {Pair} map  Of one filter's output.
 * @property {Pair} pool  Of a pooling window.
 * @property {Pair} pooled  Of one filter's output after pooling.
 * @property {number} hidden  Units in the hidden layer.
 * @property {number} mean  Preprocessing: (pixel - mean) / scale.
 * @property {number} scale
 * @property {Record<string, Float32Array>} weights  By PyTorch's names: "conv.weight", "conv.bias", "hidden.weight" ...
 *
 * @typedef {object} Pass  What one face became on its way through a network.
 * @property {Float32Array} input  The preprocessed pixels.
 * @property {Float32Array | null} conv  The convolution's maps before the ReLU; null in an FCNN, as the next two.
 * @property {Float32Array | null} pool  The maps after ReLU and pooling.
 * @property {Int32Array | null} winners  For each of those, where in its filter's map it comes from.
 * @property {Float32Array} features  What the hidden layer reads: `pool`, or `input` in an FCNN.
 * @property {Float64Array} sums  The hidden units before the ReLU.
 * @property {Float64Array} hidden  And after.
 * @property {number} logit
 * @property {number} probability  Of class 1.
 *
 * @typedef {Pass & {conv: Float32Array, pool: Float32Array, winners: Int32Array}} CNNPass
 */

import { area, convolve, dense, maxPool, place, relu } from "loupe/layers";

/**
 * Make a network of a document's entry and one fit's weights.
 *
 * @param {{kind: "fcnn" | "cnn", preprocessing: {mean: number, scale: number}, pool_size?: number | Pair}} entry
 * @param {Record<string, NDArray>} weights  Decoded, by name; they are copied.
 * @param {Pair} size  Height and width of the faces.
 * @returns {Network}
 * @throws {Error}  If the weights are not those of such a network on such faces.
 */
export function readNetwork({ kind, preprocessing: { mean, scale }, pool_size: pool = 4 }, weights, [height, width]) {
  const layers =
    kind === "cnn" ? convolutionSizes([height, width], weights["conv.weight"].shape, pool) : NO_CONVOLUTION;
  const [hidden, found] = weights["hidden.weight"].shape;
  const read = kind === "cnn" ? layers.filters * area(layers.pooled) : height * width;
  if (found !== read) {
    const what = `${kind.toUpperCase()} on faces of ${height}x${width} pixels`;
    throw new Error(`hidden.weight must have ${read} columns for a ${what}, but has ${found}.`);
  }
  const copies = Object.entries(weights).map(([name, { data }]) => [name, new Float32Array(data)]);
  return { kind, height, width, ...layers, hidden, mean, scale, weights: Object.fromEntries(copies) };
}

/** @type {ReturnType<typeof convolutionSizes>} */
const NO_CONVOLUTION = { filters: 0, kernel: [0, 0], map: [0, 0], pool: [0, 0], pooled: [0, 0] };

/**
 * Return the sizes of a convolution and of its pooling.
 *
 * @param {Pair} size  Height and width of the faces.
 * @param {number[]} shape  Of the convolution's weights: (filters, 1, rows, columns).
 * @param {number | Pair} poolSize
 * @returns {Pick<Network, "filters" | "kernel" | "map" | "pool" | "pooled">}
 */
export function convolutionSizes([height, width], [filters, , rows, columns], poolSize) {
  /** @type {Pair} */
  const pool = typeof poolSize === "number" ? [poolSize, poolSize] : poolSize;
  /** @type {Pair} */
  const map = [height - rows + 1, width - columns + 1];
  /** @type {Pair} */
  const pooled = [Math.floor(map[0] / pool[0]), Math.floor(map[1] / pool[1])];
  return { filters, kernel: [rows, columns], map, pool, pooled };
}

/**
 * Run one face through a network.
 *
 * @param {Network} network
 * @param {Float32Array} face  Pixels in [0, 1], height * width of them.
 * @returns {Pass}
 */
export function forward(network, face) {
  const { weights, mean, scale } = network;
  const input = face.map((pixel) => (pixel - mean) / scale);
  const conv = network.filters ? convolve(network, input) : null;
  const { pool, winners } = conv ? maxPool(network, conv) : { pool: null, winners: null };
  const features = pool ?? input;
  const sums = dense(weights["hidden.weight"], weights["hidden.bias"], features);
  const hidden = sums.map(relu);
  const [logit] = dense(weights["output.weight"], weights["output.bias"], hidden);
  return { input, conv, pool, winners, features, sums, hidden, logit, probability: 1 / (1 + Math.exp(-logit)) };
}

/**
 * Write out how one number of the convolution's maps came about.
 *
 * @param {Network} network
 * @param {Pass} pass
 * @param {number} filter
 * @param {number} row  In the filter's map, as `column`.
 * @param {number} column
 * @returns {{patch: Float32Array, kernel: Float32Array, products: Float64Array, sum: number, bias: number,
 *   value: number, relu: number}}  `value` = `sum` of the products + `bias`.
 */
export function convolutionAt({ weights, kernel: [rows, columns], width }, { input }, filter, row, column) {
  const size = rows * columns;
  const kernel = weights["conv.weight"].slice(filter * size, (filter + 1) * size);
  const patch = kernel.map((_, index) => {
    const [, i, j] = place(index, [rows, columns]);
    return input[(row + i) * width + column + j];
  });
  const products = new Float64Array(kernel).map((tap, index) => tap * patch[index]);
  const sum = products.reduce((before, product) => before + product, 0);
  const bias = weights["conv.bias"][filter];
  return { patch, kernel, products, sum, bias, value: sum + bias, relu: relu(sum + bias) };
}

/**
 * Write out how one number after pooling came about.
 *
 * @param {Network} network
 * @param {CNNPass} pass
 * @param {number} filter
 * @param {number} row  In the filter's pooled map, as `column`.
 * @param {number} column
 * @returns {{values: Float32Array, rows: Pair, columns: Pair, winner: {row: number, column: number, value: number},
 *   ties: number, value: number}}  The window's values after the ReLU; where it lies in the filter's map, from the
 *   first row and column up to but not including the last; and how many values equal the largest.
 */
export function poolingAt({ map, pool: window, pooled }, { conv, pool, winners }, filter, row, column) {
  const index = (filter * pooled[0] + row) * pooled[1] + column;
  const [top, left] = [row * window[0], column * window[1]];
  const values = new Float32Array(area(window)).map((_, cell) => {
    const [, i, j] = place(cell, window);
    return relu(conv[(filter * map[0] + top + i) * map[1] + left + j]);
  });
  const value = pool[index];
  const [, winnerRow, winnerColumn] = place(winners[index], map);
  return {
    values,
    rows: [top, top + window[0]],
    columns: [left, left + window[1]],
    winner: { row: winnerRow, column: winnerColumn, value },
    ties: values.filter((other) => other === value).length,
    value,
  };
}

/**
 * Count the last rows and columns of the convolution's maps that fill no pooling window.
 *
 * @param {Network} network
 * @returns {{rows: number, columns: number}}
 */
export function unseen({ map, pool, pooled }) {
  return { rows: map[0] - pooled[0] * pool[0], columns: map[1] - pooled[1] * pool[1] };
}

/**
 * Split a logit into what each feature gave to it.
 *
 * With the hidden ReLUs left open or shut as they are, the logit is a weighted sum of the features: Σ terms + bias.
 * This is HiResCAM at the layer that `features` are (Draelos and Carin 2020, arXiv:2011.08891), and it is exact.
 *
 * @param {Network} network
 * @param {Pass} pass
 * @returns {{terms: Float64Array, bias: number, logit: number,
 *   units: {sum: number, output: number, open: boolean, weight: number, contribution: number}[]}}
 */
export function ledger({ weights }, { features, sums, hidden, logit }) {
  const units = Array.from(sums, (sum, unit) => {
    const weight = weights["output.weight"][unit];
    return { sum, output: hidden[unit], open: sum > 0, weight, contribution: weight * hidden[unit] };
  });
  const terms = new Float64Array(features.length);
  let bias = weights["output.bias"][0];
  units.forEach(({ open, weight }, unit) => {
    if (!open) return;
    const offset = unit * terms.length;
    for (let index = 0; index < terms.length; index++) {
      terms[index] += weight * weights["hidden.weight"][offset + index] * features[index];
    }
    bias += weight * weights["hidden.bias"][unit];
  });
  return { terms, bias, units, logit };
}

/**
 * Find the units that put out 0 for every face given; a filter is heard where the pooling looks.
 *
 * @param {Network} network
 * @param {Float32Array[]} faces
 * @returns {{conv: boolean[], hidden: boolean[]}}
 */
export function deadUnits(network, faces) {
  const conv = new Array(network.filters).fill(true);
  const hidden = new Array(network.hidden).fill(true);
  for (const face of faces) {
    const pass = forward(network, face);
    pass.pool?.forEach((value, index) => value > 0 && (conv[place(index, network.pooled)[0]] = false));
    pass.hidden.forEach((value, unit) => value > 0 && (hidden[unit] = false));
    if (!conv.includes(true) && !hidden.includes(true)) break;
  }
  return { conv, hidden };
}
