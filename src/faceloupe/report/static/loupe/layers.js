/**
 * What each kind of layer does to numbers. Maps are flat and row-major, (channels, rows, columns); numbers are kept in
 * single precision and added in double.
 *
 * @typedef {[number, number]} Pair  Rows and columns.
 * @typedef {Float32Array | Float64Array} Numbers
 * @typedef {Record<string, Float32Array>} Weights  By PyTorch's names: "conv.weight", "conv.bias" ...
 *
 * @typedef {object} Placed  Where a layer stands.
 * @property {string} name  As its weights begin, such as "conv" or "hidden".
 * @property {number[]} input  (channels, rows, columns) or (units,).
 * @property {number[]} output
 *
 * @typedef {Placed & {kind: "convolution", kernel: Pair, stride: Pair, padding: Pair}} Convolution
 * @typedef {Placed & {kind: "pooling", size: Pair, stride: Pair, average: boolean}} Pooling
 * @typedef {Placed & {kind: "activation", function: "relu" | "leaky" | "tanh", slope: number}} Activation  `slope` is
 *   that of a leaky ReLU below 0.
 * @typedef {Placed & {kind: "normalisation", epsilon: number}} Normalisation  Of a batch, with what it remembers.
 * @typedef {Placed & {kind: "dropout", rate: number}} Dropout  Does nothing but in training.
 * @typedef {Placed & {kind: "flatten"}} Flatten
 * @typedef {Placed & {kind: "dense"}} Dense
 * @typedef {Convolution | Pooling | Activation | Normalisation | Dropout | Flatten | Dense} Layer
 */

/**
 * Run one layer on one face's numbers, as after training.
 *
 * @param {Layer} layer
 * @param {Weights} weights
 * @param {Numbers} input
 * @returns {{output: Numbers, winners?: Int32Array}}  `winners`: for each number after max-pooling, where in its
 *   channel's map it stands first.
 */
export function run(layer, weights, input) {
  switch (layer.kind) {
    case "convolution":
      return { output: convolve(layer, weights, input) };
    case "pooling":
      return layer.average ? { output: averagePool(layer, input) } : maxPool(layer, input);
    case "activation":
      return { output: input.map((value) => activate(layer, value)) };
    case "normalisation":
      return { output: normalise(layer, weights, input) };
    case "dense":
      return { output: dense(weights[`${layer.name}.weight`], weights[`${layer.name}.bias`], input, layer.output[0]) };
    default:
      return { output: input };
  }
}

/** @param {Activation} layer @param {number} value */
export function activate(layer, value) {
  if (layer.function === "tanh") return Math.tanh(value);
  return value > 0 ? value : layer.slope * value;
}

/**
 * Put zeros around each map.
 *
 * @param {Numbers} input
 * @param {number[]} shape  (channels, rows, columns)
 * @param {Pair} padding
 * @param {number} [spare]  More numbers at the end, which a row's last positions may read.
 */
export function pad(input, [channels, rows, columns], [above, beside], spare = 0) {
  const [height, width] = [rows + 2 * above, columns + 2 * beside];
  const padded = new Float32Array(channels * height * width + spare);
  if (!above && !beside) padded.set(input);
  else {
    for (let line = 0; line < channels * rows; line++) {
      const [channel, row] = [Math.floor(line / rows), line % rows];
      const start = (channel * height + row + above) * width + beside;
      padded.set(input.subarray(line * columns, (line + 1) * columns), start);
    }
  }
  return padded;
}

/**
 * Slide each filter over all channels of the input.
 *
 * @param {Convolution} layer
 * @param {Weights} weights
 * @param {Numbers} input
 * @returns {Float32Array}
 */
function convolve(layer, weights, input) {
  const { name, kernel, stride, padding } = layer;
  const [channels, rows, columns] = layer.input;
  const [filters, height, width] = layer.output;
  const [tall, wide] = [rows + 2 * padding[0], columns + 2 * padding[1]];
  const numbers = pad(input, layer.input, padding, 3); // the last four positions of a row may reach past the end
  const taps = weights[`${name}.weight`];
  const bias = weights[`${name}.bias`];
  const row = new Float64Array(width + 3);
  const kept = row.subarray(0, width);
  const maps = new Float32Array(filters * height * width);
  const slide = stride[1] === 1 ? slideByOne : slideBySteps;
  for (let line = 0; line < filters * height; line++) {
    const filter = Math.floor(line / height);
    row.fill(bias ? bias[filter] : 0);
    for (let channel = 0; channel < channels; channel++) {
      const from = (filter * channels + channel) * area(kernel);
      const start = (channel * tall + (line % height) * stride[0]) * wide;
      slide(row, numbers, start, wide, taps.subarray(from, from + area(kernel)), kernel, stride[1], width);
    }
    maps.set(kept, line * width);
  }
  return maps;
}

/**
 * Add one row of a convolution, four positions at a time: they share their reads of numbers and taps, and their sums do
 * not wait for one another (three times as fast as one position at a time).
 *
 * @param {Float64Array} row  Added to here; three longer than what is kept of it.
 * @param {Float32Array} numbers @param {number} start @param {number} wide
 * @param {Float32Array} taps @param {Pair} kernel
 */
function slideByOne(row, numbers, start, wide, taps, [rows, columns]) {
  for (let column = 0; column + 3 < row.length; column += 4) {
    let a = row[column];
    let b = row[column + 1];
    let c = row[column + 2];
    let d = row[column + 3];
    for (let i = 0; i < rows; i++) {
      const from = start + i * wide + column;
      let p = numbers[from];
      let q = numbers[from + 1];
      let r = numbers[from + 2];
      for (let j = 0; j < columns; j++) {
        const tap = taps[i * columns + j];
        const s = numbers[from + j + 3];
        a += tap * p;
        b += tap * q;
        c += tap * r;
        d += tap * s;
        p = q;
        q = r;
        r = s;
      }
    }
    row[column] = a;
    row[column + 1] = b;
    row[column + 2] = c;
    row[column + 3] = d;
  }
}

/**
 * @param {Float64Array} row @param {Float32Array} numbers @param {number} start @param {number} wide
 * @param {Float32Array} taps @param {Pair} kernel @param {number} step @param {number} width
 */
function slideBySteps(row, numbers, start, wide, taps, [rows, columns], step, width) {
  for (let column = 0; column < width; column++) {
    let sum = row[column];
    for (let i = 0; i < rows; i++) {
      const from = start + i * wide + column * step;
      for (let j = 0; j < columns; j++) sum += taps[i * columns + j] * numbers[from + j];
    }
    row[column] = sum;
  }
}

/** @param {Pooling} layer @param {Numbers} input @returns {{output: Float32Array, winners: Int32Array}} */
function maxPool({ size, stride, input: before, output: after }, input) {
  const output = new Float32Array(volume(after));
  const winners = new Int32Array(output.length);
  const [, rows, columns] = before;
  for (let index = 0; index < output.length; index++) {
    const [channel, row, column] = place(index, [after[1], after[2]]);
    const offset = channel * rows * columns;
    const corner = row * stride[0] * columns + column * stride[1];
    let winner = corner;
    for (let i = 0; i < size[0]; i++) {
      for (let cell = corner + i * columns, end = cell + size[1]; cell < end; cell++) {
        if (input[offset + cell] > input[offset + winner]) winner = cell;
      }
    }
    output[index] = input[offset + winner];
    winners[index] = winner;
  }
  return { output, winners };
}

/** @param {Pooling} layer @param {Numbers} input @returns {Float32Array} */
function averagePool({ size, stride, input: before, output: after }, input) {
  const [, rows, columns] = before;
  return new Float32Array(volume(after)).map((_, index) => {
    const [channel, row, column] = place(index, [after[1], after[2]]);
    const corner = (channel * rows + row * stride[0]) * columns + column * stride[1];
    let sum = 0;
    for (let i = 0; i < size[0]; i++) {
      for (let j = 0; j < size[1]; j++) sum += input[corner + i * columns + j];
    }
    return sum / area(size);
  });
}

/** @param {Normalisation} layer @param {Weights} weights @param {Numbers} input */
function normalise(layer, weights, input) {
  const { scale, shift } = affine(layer, weights);
  const size = input.length / layer.output[0];
  return input.map((value, index) => {
    const channel = Math.floor(index / size);
    return value * scale[channel] + shift[channel];
  });
}

/**
 * A batch normalisation after training: each channel times one number plus another.
 *
 * @param {Normalisation} layer
 * @param {Weights} weights
 */
export function affine({ name, epsilon, output: [channels] }, weights) {
  const [mean, variance] = [weights[`${name}.running_mean`], weights[`${name}.running_var`]];
  const [gain, bias] = [weights[`${name}.weight`], weights[`${name}.bias`]];
  const scale = new Float64Array(channels).map((_, channel) => gain[channel] / Math.sqrt(variance[channel] + epsilon));
  const shift = scale.map((factor, channel) => bias[channel] - mean[channel] * factor);
  return { scale, shift };
}

/**
 * Multiply an input by each row of a matrix and add the bias.
 *
 * @param {Float32Array} matrix  (rows, input.length)
 * @param {Float32Array | undefined} bias  (rows,)
 * @param {Numbers} input
 * @param {number} rows
 * @returns {Float64Array}  (rows,)
 */
export function dense(matrix, bias, input, rows) {
  const sums = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const offset = row * input.length;
    let sum = bias ? bias[row] : 0;
    for (let column = 0; column < input.length; column++) sum += matrix[offset + column] * input[column];
    sums[row] = sum;
  }
  return sums;
}

/**
 * Return channel, row and column of an index into maps of a size.
 *
 * @param {number} index
 * @param {Pair} size
 * @returns {[number, number, number]}
 */
export function place(index, [rows, columns]) {
  const row = Math.floor(index / columns);
  return [Math.floor(row / rows), row % rows, index % columns];
}

/** @param {Pair} size */
export function area([rows, columns]) {
  return rows * columns;
}

/** How many numbers a shape holds. @param {number[]} shape */
export function volume(shape) {
  return shape.reduce((product, side) => product * side, 1);
}
