/**
 * Training by hand: a batch forwards as in training, and the gradients of its loss backwards, layer by layer.
 *
 * A layer works on a whole batch here, for a batch normalisation looks at all of it.
 *
 * @typedef {import("loupe/layers").Layer} Layer
 * @typedef {import("loupe/layers").Numbers} Numbers
 * @typedef {import("loupe/layers").Weights} Weights
 * @typedef {import("loupe/network").Network} Network
 * @typedef {Record<string, Float64Array>} Gradients  By the weights' names, each as long as its weights.
 *
 * @typedef {object} Step  What a layer made of a batch, and what its way back needs.
 * @property {Layer} layer
 * @property {Numbers[]} inputs  One a face, as `outputs`.
 * @property {Numbers[]} outputs
 * @property {Int32Array[]} [winners]
 * @property {Float32Array[]} [masks]  Of a dropout: what each number was multiplied by.
 * @property {{mean: Float64Array, deviation: Float64Array}} [statistics]  Of a batch normalisation, for each channel.
 */

import { activate, area, pad, place, run, volume } from "loupe/layers";

const MOMENTUM = 0.1; // of what a batch normalisation remembers, as in PyTorch

/**
 * @param {Network} network  What its batch normalisations remember changes.
 * @param {Numbers[]} inputs  Preprocessed faces.
 * @param {() => number} random  For dropout.
 * @returns {Step[]}
 */
export function forwardBatch({ layers, weights }, inputs, random) {
  return layers.map((layer) => {
    const step = stepOf(layer, weights, inputs, random);
    inputs = step.outputs;
    return step;
  });
}

/**
 * @param {Layer} layer @param {Weights} weights @param {Numbers[]} inputs @param {() => number} random
 * @returns {Step}
 */
function stepOf(layer, weights, inputs, random) {
  if (layer.kind === "dropout") {
    const masks = inputs.map(({ length }) =>
      new Float32Array(length).map(() => (random() < layer.rate ? 0 : 1 / (1 - layer.rate))),
    );
    return {
      layer,
      inputs,
      masks,
      outputs: inputs.map((input, face) => input.map((value, i) => value * masks[face][i])),
    };
  }
  if (layer.kind === "normalisation") return normaliseBatch(layer, weights, inputs);
  const results = inputs.map((input) => run(layer, weights, input));
  const winners = results.flatMap(({ winners: places }) => places ?? []);
  return { layer, inputs, outputs: results.map(({ output }) => output), winners };
}

/**
 * @param {import("loupe/layers").Normalisation} layer @param {Weights} weights @param {Numbers[]} inputs
 * @returns {Step}
 */
function normaliseBatch(layer, weights, inputs) {
  const { name, epsilon } = layer;
  const [channels] = layer.input;
  const size = volume(layer.input) / channels;
  const count = inputs.length * size;
  const [mean, deviation] = [new Float64Array(channels), new Float64Array(channels)];
  for (let channel = 0; channel < channels; channel++) {
    let [sum, squares] = [0, 0];
    for (const input of inputs) for (let i = channel * size; i < (channel + 1) * size; i++) sum += input[i];
    mean[channel] = sum / count;
    for (const input of inputs) {
      for (let i = channel * size; i < (channel + 1) * size; i++) squares += (input[i] - mean[channel]) ** 2;
    }
    deviation[channel] = Math.sqrt(squares / count + epsilon);
    remember(weights[`${name}.running_mean`], channel, mean[channel]);
    remember(weights[`${name}.running_var`], channel, squares / Math.max(1, count - 1));
  }
  const [gain, bias] = [weights[`${name}.weight`], weights[`${name}.bias`]];
  const outputs = inputs.map((input) =>
    input.map((value, index) => {
      const channel = Math.floor(index / size);
      return ((value - mean[channel]) / deviation[channel]) * gain[channel] + bias[channel];
    }),
  );
  return { layer, inputs, outputs, statistics: { mean, deviation } };
}

/** @param {Float32Array} memory @param {number} channel @param {number} value */
function remember(memory, channel, value) {
  memory[channel] += MOMENTUM * (value - memory[channel]);
}

/**
 * Add what a batch says of every weight to gradients.
 *
 * @param {Step[]} steps  Of {@link forwardBatch}.
 * @param {Weights} weights
 * @param {Float64Array[]} slopes  Of the loss with the logits, one a face.
 * @param {Gradients} gradients
 */
export function backwardBatch(steps, weights, slopes, gradients) {
  for (let place = steps.length - 1; place >= 0; place--) {
    const step = steps[place];
    if (step.layer.kind === "normalisation") slopes = normalisedBack(step, weights, slopes, gradients);
    else slopes = slopes.map((slope, face) => faceBack(step, face, weights, slope, gradients, place > 0));
  }
}

/**
 * @param {Step} step @param {number} face @param {Weights} weights @param {Float64Array} slope
 * @param {Gradients} gradients @param {boolean} onwards  Whether a layer before wants to know.
 * @returns {Float64Array}  Of the loss with what reached the layer.
 */
function faceBack({ layer, inputs, masks, winners }, face, weights, slope, gradients, onwards) {
  const input = inputs[face];
  switch (layer.kind) {
    case "dense":
      return denseBack(layer.name, input, weights, slope, gradients, onwards);
    case "convolution":
      return convolvedBack(layer, input, weights, slope, gradients, onwards);
    case "pooling":
      return layer.average ? averagedBack(layer, slope) : pooledBack(layer, slope, winners?.[face] ?? new Int32Array());
    case "activation":
      return slope.map((value, index) => value * slopeOf(layer, input[index]));
    case "dropout":
      return slope.map((value, index) => value * (masks?.[face][index] ?? 1));
    default:
      return slope;
  }
}

/** @param {import("loupe/layers").Activation} layer @param {number} value */
function slopeOf(layer, value) {
  if (layer.function === "tanh") return 1 - activate(layer, value) ** 2;
  return value > 0 ? 1 : layer.slope;
}

/**
 * @param {string} name @param {Numbers} input @param {Weights} weights @param {Float64Array} slope
 * @param {Gradients} gradients @param {boolean} onwards
 */
function denseBack(name, input, weights, slope, gradients, onwards) {
  const matrix = weights[`${name}.weight`];
  const [learned, offsets] = [gradients[`${name}.weight`], gradients[`${name}.bias`]];
  const received = new Float64Array(onwards ? input.length : 0);
  for (let unit = 0; unit < slope.length; unit++) {
    const arrived = slope[unit];
    if (arrived === 0) continue;
    const offset = unit * input.length;
    if (offsets) offsets[unit] += arrived;
    for (let index = 0; index < input.length; index++) learned[offset + index] += arrived * input[index];
    if (onwards) for (let index = 0; index < input.length; index++) received[index] += arrived * matrix[offset + index];
  }
  return received;
}

/**
 * @param {import("loupe/layers").Convolution} layer @param {Numbers} input @param {Weights} weights
 * @param {Float64Array} slope @param {Gradients} gradients @param {boolean} onwards
 */
function convolvedBack(layer, input, weights, slope, gradients, onwards) {
  const { name, kernel, stride, padding } = layer;
  const [channels, rows, columns] = layer.input;
  const [tall, wide] = [rows + 2 * padding[0], columns + 2 * padding[1]];
  const numbers = pad(input, layer.input, padding);
  const taps = weights[`${name}.weight`];
  const [learned, offsets] = [gradients[`${name}.weight`], gradients[`${name}.bias`]];
  const received = new Float64Array(onwards ? numbers.length : 0);
  for (let index = 0; index < slope.length; index++) {
    const arrived = slope[index];
    if (arrived === 0) continue;
    const [filter, row, column] = place(index, [layer.output[1], layer.output[2]]);
    if (offsets) offsets[filter] += arrived;
    for (let channel = 0; channel < channels; channel++) {
      let tap = (filter * channels + channel) * area(kernel);
      const corner = (channel * tall + row * stride[0]) * wide + column * stride[1];
      for (let i = 0; i < kernel[0]; i++) {
        for (let j = 0, from = corner + i * wide; j < kernel[1]; j++, tap++, from++) {
          learned[tap] += arrived * numbers[from];
          if (onwards) received[from] += arrived * taps[tap];
        }
      }
    }
  }
  return onwards ? cropped(received, layer.input, padding) : received;
}

/**
 * Take the zeros away that a padding put around.
 *
 * @param {Float64Array} padded @param {number[]} shape @param {number[]} padding
 */
function cropped(padded, [channels, rows, columns], [above, beside]) {
  if (!above && !beside) return padded;
  const [tall, wide] = [rows + 2 * above, columns + 2 * beside];
  return new Float64Array(channels * rows * columns).map((_, index) => {
    const [channel, row, column] = place(index, [rows, columns]);
    return padded[(channel * tall + row + above) * wide + column + beside];
  });
}

/**
 * A window passes on to its winner alone.
 *
 * @param {import("loupe/layers").Pooling} layer @param {Float64Array} slope @param {Int32Array} winners
 */
function pooledBack({ input, output }, slope, winners) {
  const received = new Float64Array(volume(input));
  const [before, after] = [input[1] * input[2], output[1] * output[2]];
  slope.forEach((value, index) => (received[Math.floor(index / after) * before + winners[index]] += value));
  return received;
}

/** @param {import("loupe/layers").Pooling} layer @param {Float64Array} slope */
function averagedBack({ input, output, size, stride }, slope) {
  const received = new Float64Array(volume(input));
  slope.forEach((value, index) => {
    const [channel, row, column] = place(index, [output[1], output[2]]);
    const corner = (channel * input[1] + row * stride[0]) * input[2] + column * stride[1];
    for (let i = 0; i < size[0]; i++) {
      for (let j = 0; j < size[1]; j++) received[corner + i * input[2] + j] += value / area(size);
    }
  });
  return received;
}

/** @param {Step} step @param {Weights} weights @param {Float64Array[]} slopes @param {Gradients} gradients */
function normalisedBack({ layer, inputs, statistics }, weights, slopes, gradients) {
  const { mean, deviation } = /** @type {NonNullable<Step["statistics"]>} */ (statistics);
  const size = volume(layer.input) / layer.input[0];
  const count = inputs.length * size;
  const gain = weights[`${layer.name}.weight`];
  const [learned, offsets] = [gradients[`${layer.name}.weight`], gradients[`${layer.name}.bias`]];
  const received = slopes.map(({ length }) => new Float64Array(length));
  for (let channel = 0; channel < mean.length; channel++) {
    const span = [channel * size, (channel + 1) * size];
    const normal = (/** @type {number} */ face, /** @type {number} */ i) =>
      (inputs[face][i] - mean[channel]) / deviation[channel];
    let [sum, along] = [0, 0];
    slopes.forEach((slope, face) => {
      for (let i = span[0]; i < span[1]; i++) {
        sum += slope[i];
        along += slope[i] * normal(face, i);
      }
    });
    offsets[channel] += sum;
    learned[channel] += along;
    slopes.forEach((slope, face) => {
      for (let i = span[0]; i < span[1]; i++) {
        const rest = slope[i] - sum / count - (normal(face, i) * along) / count;
        received[face][i] = (gain[channel] / deviation[channel]) * rest;
      }
    });
  }
  return received;
}
