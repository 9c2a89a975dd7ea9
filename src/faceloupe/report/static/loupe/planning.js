/**
 * What a sentence's layers become for faces of a size: the layers as documents list them, and the shapes of weights.
 *
 * @typedef {import("loupe/language").LayerSpec} LayerSpec
 * @typedef {import("loupe/layers").Pair} Pair
 * @typedef {import("loupe/network").LayerDocument} LayerDocument
 */

const LEAK = 0.2; // slope of a leaky ReLU below 0, as keras.activations.leaky_relu has it
const MOST_WEIGHTS = 2e6; // that the page trains in a moment; more is for `faceloupe train`
const NAMES = { conv: "conv", pool: "pool", global: "pool", dense: "hidden", dropout: "dropout", batchnorm: "norm" };

/**
 * Return a spec's layers as documents list them, and the shapes of their weights.
 *
 * @param {LayerSpec[]} specs
 * @param {Pair} size  Height and width of the faces.
 * @param {number} outputs
 * @returns {{layers: LayerDocument[], shapes: Record<string, number[]>}}  Named as in
 *   `faceloupe.training.SmallNetwork`.
 * @throws {Error}  If a kernel or a window is larger than what reaches it.
 */
export function planNetwork(specs, size, outputs) {
  /** @type {LayerDocument[]} */
  const layers = [];
  /** @type {Record<string, number[]>} */
  const shapes = {};
  /** @type {Record<string, number>} */
  const seen = {};
  /** @type {number[]} */
  let shape = [1, ...size];
  const flatten = () => {
    if (shape.length > 1) layers.push({ kind: "flatten", name: "flatten" });
    shape = [shape.reduce((product, side) => product * side, 1)];
  };
  for (const spec of specs) {
    const base = NAMES[spec.kind];
    seen[base] = (seen[base] ?? 0) + 1;
    const several = specs.filter(({ kind }) => NAMES[kind] === base).length > 1;
    const name = several ? base + seen[base] : base;
    if (spec.kind === "dense") flatten();
    shape = addLayer(spec, name, shape, layers, shapes);
    if (!(Math.min(...shape) > 0)) {
      throw new Error(`“${spec.text}” is larger than what reaches it. Take a smaller kernel or window.`);
    }
    if (spec.activation && spec.activation !== "none") {
      const slope = spec.activation === "leaky" ? LEAK : 0;
      layers.push({ kind: "activation", name: `${name}_${spec.activation}`, function: spec.activation, slope });
    }
    if (spec.kind === "global") flatten();
  }
  flatten();
  layers.push({ kind: "dense", name: "output" });
  Object.assign(shapes, { "output.weight": [outputs, shape[0]], "output.bias": [outputs] });
  const count = Object.values(shapes).reduce(
    (sum, sides) => sum + sides.reduce((product, side) => product * side, 1),
    0,
  );
  if (count > MOST_WEIGHTS) {
    throw new Error(`${count.toLocaleString("en-GB")} weights are too many for a page. Use faceloupe train.`);
  }
  return { layers, shapes };
}

/**
 * @param {LayerSpec} spec @param {string} name @param {number[]} shape
 * @param {LayerDocument[]} layers  Added to here, as `shapes`.
 * @param {Record<string, number[]>} shapes
 * @returns {number[]}  What comes after.
 */
function addLayer(
  { kind, count = 1, size = [1, 1], stride = [1, 1], padding = [0, 0], average, rate },
  name,
  shape,
  layers,
  shapes,
) {
  const after = (/** @type {Pair} */ window, /** @type {Pair} */ around) =>
    window.map((side, axis) => Math.floor((shape[axis + 1] + 2 * around[axis] - side) / stride[axis]) + 1);
  switch (kind) {
    case "conv":
      layers.push({ kind: "convolution", name, stride, padding });
      Object.assign(shapes, { [`${name}.weight`]: [count, shape[0], ...size], [`${name}.bias`]: [count] });
      return [count, ...after(size, padding)];
    case "pool":
      layers.push({ kind: "pooling", name, size, stride, average });
      return [shape[0], ...after(size, [0, 0])];
    case "global":
      layers.push({ kind: "pooling", name, size: [shape[1], shape[2]], stride: [shape[1], shape[2]], average });
      return [shape[0], 1, 1];
    case "dense":
      layers.push({ kind: "dense", name });
      Object.assign(shapes, { [`${name}.weight`]: [count, shape[0]], [`${name}.bias`]: [count] });
      return [count];
    case "dropout":
      layers.push({ kind: "dropout", name, rate });
      return shape;
    default:
      layers.push({ kind: "normalisation", name });
      for (const part of ["weight", "bias", "running_mean", "running_var"]) shapes[`${name}.${part}`] = [shape[0]];
      return shape;
  }
}
