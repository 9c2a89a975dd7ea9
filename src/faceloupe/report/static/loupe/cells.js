/**
 * How one number of a layer came about, written out.
 *
 * @typedef {import("loupe/layers").Pair} Pair
 * @typedef {import("loupe/layers").Numbers} Numbers
 * @typedef {import("loupe/network").Network} Network
 * @typedef {import("loupe/network").Pass} Pass
 *
 * @typedef {object} ConvolutionCell
 * @property {Float32Array} patch  (channels, kernel rows, kernel columns) of what the filter lay on, as the next two.
 * @property {Float32Array} kernel
 * @property {Float64Array} products
 * @property {number[]} channels  The sum of the products in each channel of the input.
 * @property {number} sum
 * @property {number} bias
 * @property {number} value  `sum` + `bias`.
 *
 * @typedef {object} PoolingCell
 * @property {Float32Array} values  Of the window, in rows.
 * @property {Pair} rows  From the first up to but not including the last, in the channel's map; `columns` likewise.
 * @property {Pair} columns
 * @property {{row: number, column: number} | null} winner  Null where the mean is taken.
 * @property {number} ties  How many values equal the largest.
 * @property {number} value
 */

import { area, pad, place } from "loupe/layers";
import { inputOf } from "loupe/network";

/**
 * @param {Network} network
 * @param {Pass} pass
 * @param {number} index  Of the convolution among the layers.
 * @param {number} filter
 * @param {number} row  In the filter's map, as `column`.
 * @param {number} column
 * @returns {ConvolutionCell}
 */
export function convolutionAt({ layers, weights }, pass, index, filter, row, column) {
  const layer = layers[index];
  if (layer.kind !== "convolution") throw new Error(`${layer.name} is no convolution.`);
  const { kernel: size, stride, padding } = layer;
  const [channels, height, width] = layer.input;
  const [tall, wide] = [height + 2 * padding[0], width + 2 * padding[1]];
  const numbers = pad(inputOf(pass, index), layer.input, padding);
  const kernel = kernelOf(weights[`${layer.name}.weight`], filter, channels * area(size));
  const patch = kernel.map((_, tap) => {
    const [channel, i, j] = place(tap, size);
    return numbers[(channel * tall + row * stride[0] + i) * wide + column * stride[1] + j];
  });
  const products = new Float64Array(kernel).map((weight, tap) => weight * patch[tap]);
  const sums = Array.from({ length: channels }, (_, channel) =>
    products
      .subarray(channel * area(size), (channel + 1) * area(size))
      .reduce((before, product) => before + product, 0),
  );
  const sum = sums.reduce((before, part) => before + part, 0);
  const bias = weights[`${layer.name}.bias`]?.[filter] ?? 0;
  return { patch, kernel, products, channels: sums, sum, bias, value: sum + bias };
}

/** @param {Float32Array} weights @param {number} filter @param {number} size */
function kernelOf(weights, filter, size) {
  return weights.slice(filter * size, (filter + 1) * size);
}

/**
 * @param {Network} network
 * @param {Pass} pass
 * @param {number} index  Of the pooling among the layers.
 * @param {number} channel
 * @param {number} row  In the channel's pooled map, as `column`.
 * @param {number} column
 * @returns {PoolingCell}
 */
export function poolingAt({ layers }, pass, index, channel, row, column) {
  const layer = layers[index];
  if (layer.kind !== "pooling") throw new Error(`${layer.name} is no pooling.`);
  const { size, stride } = layer;
  const [, height, width] = layer.input;
  const [, rows, columns] = layer.output;
  const numbers = inputOf(pass, index);
  const [top, left] = [row * stride[0], column * stride[1]];
  const values = new Float32Array(area(size)).map((_, cell) => {
    const [, i, j] = place(cell, size);
    return numbers[(channel * height + top + i) * width + left + j];
  });
  const at = (channel * rows + row) * columns + column;
  const value = pass.outputs[index][at];
  const winners = pass.winners[index];
  const [, winnerRow, winnerColumn] = place(winners?.[at] ?? 0, [height, width]);
  return {
    values,
    rows: [top, top + size[0]],
    columns: [left, left + size[1]],
    winner: winners ? { row: winnerRow, column: winnerColumn } : null,
    ties: values.filter((other) => other === value).length,
    value,
  };
}

/**
 * Count the last rows and columns of a map that fill no window.
 *
 * @param {import("loupe/layers").Pooling} layer
 * @returns {{rows: number, columns: number}}
 */
export function unseen({ input: [, height, width], output: [, rows, columns], size, stride }) {
  return {
    rows: Math.max(0, height - (rows - 1) * stride[0] - size[0]),
    columns: Math.max(0, width - (columns - 1) * stride[1] - size[1]),
  };
}
