/**
 * A small network, run layer by layer with every number in the open.
 *
 * A document lists the layers: a convolution with its `stride` and `padding`, a pooling with its `size`, `stride` and
 * `average`, an activation ("relu", "leaky" with its `slope`, "tanh"), a batch normalisation with its `epsilon`,
 * dropout, flatten and dense layers. Sizes follow from the weights. The last layer's numbers are the logits: one, of
 * class 1, or one a class.
 *
 * @typedef {import("loupe/arrays").NDArray} NDArray
 * @typedef {import("loupe/layers").Pair} Pair
 * @typedef {import("loupe/layers").Numbers} Numbers
 * @typedef {import("loupe/layers").Layer} Layer
 * @typedef {import("loupe/layers").Weights} Weights
 *
 * @typedef {object} LayerDocument
 * @property {Layer["kind"]} kind
 * @property {string} name
 * @property {Pair} [stride]
 * @property {Pair} [padding]
 * @property {Pair} [size]  Of a pooling window; the whole map if left out.
 * @property {boolean} [average]
 * @property {"relu" | "leaky" | "tanh"} [function]
 * @property {number} [slope]
 * @property {number} [epsilon]
 * @property {number} [rate]
 *
 * @typedef {object} Network
 * @property {Layer[]} layers
 * @property {Pair} size  Of the faces: height and width.
 * @property {number} mean  Preprocessing: (pixel - mean) / scale.
 * @property {number} scale
 * @property {Weights} weights
 *
 * @typedef {object} Pass  What one face became on its way through a network.
 * @property {Numbers} input  The preprocessed pixels.
 * @property {Numbers[]} outputs  Of each layer.
 * @property {(Int32Array | undefined)[]} winners  Of each max-pooling, where in its channel's map each number stands.
 * @property {Numbers} logits
 * @property {number[]} probabilities  Of each class.
 *
 * @typedef {{layer: number, units: boolean[]}} Silence  The channels or units of an activation that never speak.
 */

import { run, volume } from "loupe/layers";

/**
 * Make a network of a document's layers and one fit's weights.
 *
 * @param {LayerDocument[]} layers
 * @param {{mean: number, scale: number}} preprocessing
 * @param {Record<string, NDArray>} weights  Decoded, by name; they are copied.
 * @param {Pair} size  Height and width of the faces.
 * @returns {Network}
 * @throws {Error}  If the weights are not those of such layers on such faces.
 */
export function readNetwork(layers, { mean, scale }, weights, size) {
  const shapes = Object.fromEntries(Object.entries(weights).map(([name, { shape }]) => [name, shape]));
  const copies = Object.entries(weights).map(([name, { data }]) => [name, new Float32Array(data)]);
  return { layers: placeLayers(layers, shapes, size), size, mean, scale, weights: Object.fromEntries(copies) };
}

/**
 * Return layers with the shapes of what reaches them and of what they make of it.
 *
 * @param {LayerDocument[]} layers
 * @param {Record<string, number[]>} shapes  Of the weights, by their names.
 * @param {Pair} size  Height and width of the faces.
 * @returns {Layer[]}
 */
export function placeLayers(layers, shapes, size) {
  /** @type {number[]} */
  let input = [1, ...size];
  return layers.map((layer) => {
    const placed = withShapes(layer, shapes[`${layer.name}.weight`], input);
    if (!(Math.min(...placed.output) > 0)) {
      throw new Error(`${layer.name} is larger than what reaches it, ${input.slice(1).join("x")} values.`);
    }
    input = placed.output;
    return placed;
  });
}

/** @param {LayerDocument} layer @param {number[] | undefined} weight @param {number[]} input @returns {Layer} */
function withShapes(layer, weight, input) {
  const { name } = layer;
  switch (layer.kind) {
    case "convolution": {
      const [filters, channels, rows, columns] = weight ?? [];
      check(channels === input[0] && input.length === 3, name, `${channels} channels`, input);
      const { stride = [1, 1], padding = [0, 0] } = layer;
      const sides = steps(input, padding, [rows, columns], stride);
      return { kind: layer.kind, name, input, output: [filters, ...sides], kernel: [rows, columns], stride, padding };
    }
    case "pooling": {
      const { size = /** @type {Pair} */ (input.slice(1)), average = false } = layer;
      const { stride = size } = layer;
      check(input.length === 3, name, "maps", input);
      return {
        kind: layer.kind,
        name,
        input,
        output: [input[0], ...steps(input, [0, 0], size, stride)],
        size,
        stride,
        average,
      };
    }
    case "activation": {
      const { function: form = "relu", slope = 0 } = layer;
      return { kind: layer.kind, name, input, output: input, function: form, slope };
    }
    case "normalisation":
      check(weight?.[0] === input[0], name, `${weight?.[0]} channels`, input);
      return { kind: layer.kind, name, input, output: input, epsilon: layer.epsilon ?? 1e-5 };
    case "dropout":
      return { kind: layer.kind, name, input, output: input, rate: layer.rate ?? 0 };
    case "flatten":
      return { kind: layer.kind, name, input, output: [volume(input)] };
    case "dense":
      check(weight?.[1] === volume(input), name, `${weight?.[1]} numbers`, input);
      return { kind: layer.kind, name, input, output: [weight?.[0] ?? 0] };
    default:
      throw new Error(`A layer of kind ${layer.kind} is none that the loupe knows.`);
  }
}

/** @param {boolean} good @param {string} name @param {string} wanted @param {number[]} input */
function check(good, name, wanted, input) {
  if (!good) throw new Error(`${name} must take ${wanted}, but is given ${input.join("x")}.`);
}

/**
 * How many places a window has.
 *
 * @param {number[]} input @param {Pair} padding @param {Pair} size @param {Pair} stride
 */
function steps([, rows, columns], padding, size, stride) {
  return [
    Math.floor((rows + 2 * padding[0] - size[0]) / stride[0]) + 1,
    Math.floor((columns + 2 * padding[1] - size[1]) / stride[1]) + 1,
  ];
}

/**
 * Run one face through a network.
 *
 * @param {Network} network
 * @param {Float32Array} face  Pixels in [0, 1], height * width of them.
 * @returns {Pass}
 */
export function forward({ layers, weights, mean, scale }, face) {
  const input = face.map((pixel) => (pixel - mean) / scale);
  /** @type {Numbers} */
  let values = input;
  const results = layers.map((layer) => {
    const result = run(layer, weights, values);
    values = result.output;
    return result;
  });
  return {
    input,
    outputs: results.map(({ output }) => output),
    winners: results.map(({ winners }) => winners),
    logits: values,
    probabilities: probabilitiesOf(values),
  };
}

/**
 * The probability of each class: the logistic function of one logit, or the softmax of several.
 *
 * @param {Numbers} logits
 * @returns {number[]}
 */
export function probabilitiesOf(logits) {
  if (logits.length === 1) {
    const second = 1 / (1 + Math.exp(-logits[0]));
    return [1 - second, second];
  }
  const most = Math.max(...logits);
  const parts = Array.from(logits, (logit) => Math.exp(logit - most));
  const total = parts.reduce((sum, part) => sum + part, 0);
  return parts.map((part) => part / total);
}

/** The class that logits say. @param {Numbers} logits */
export function decide(logits) {
  return logits.length === 1 ? Number(logits[0] > 0) : logits.indexOf(Math.max(...logits));
}

/** How many numbers a network learned. @param {Network} network */
export function parametersOf({ layers, weights }) {
  const learned = layers.flatMap(({ name }) => [`${name}.weight`, `${name}.bias`]);
  return learned.reduce((sum, name) => sum + (weights[name]?.length ?? 0), 0);
}

/** What reaches a layer. @param {Pass} pass @param {number} layer */
export function inputOf(pass, layer) {
  return layer ? pass.outputs[layer - 1] : pass.input;
}

/** The places of the layers of a kind. @param {Network} network @param {Layer["kind"]} kind */
export function placesOf({ layers }, kind) {
  return layers.flatMap((layer, place) => (layer.kind === kind ? [place] : []));
}

/**
 * The last layer that only passes on what an activation puts out; a filter is heard where the pooling looks.
 *
 * @param {Network} network
 * @param {number} place  Of an activation.
 */
function heardAt({ layers }, place) {
  let last = place;
  while (["pooling", "dropout"].includes(layers[last + 1]?.kind)) last++;
  return last;
}

/**
 * Find the channels and units behind a ReLU that put out 0 for every face given.
 *
 * @param {Network} network
 * @param {Float32Array[] | Pass[]} faces  Or what has become of them.
 * @returns {Silence[]}  One for each ReLU.
 */
export function silentUnits(network, faces) {
  const relus = placesOf(network, "activation").filter((place) => isRelu(network.layers[place]));
  const silences = relus.map((layer) => ({
    layer,
    heard: heardAt(network, layer),
    units: new Array(network.layers[layer].output[0]).fill(true),
  }));
  for (const face of faces) {
    const pass = face instanceof Float32Array ? forward(network, face) : face;
    for (const { heard, units } of silences) {
      const values = pass.outputs[heard];
      const size = values.length / units.length;
      values.forEach((value, index) => value > 0 && (units[Math.floor(index / size)] = false));
    }
  }
  return silences.map(({ layer, units }) => ({ layer, units }));
}

/** @param {Layer} layer */
export function isRelu(layer) {
  return layer.kind === "activation" && layer.function === "relu" && layer.slope === 0;
}
