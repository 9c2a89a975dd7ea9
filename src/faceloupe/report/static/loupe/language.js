/**
 * The language of small networks, as `faceloupe.training` reads it: layers separated by commas, then, after a
 * semicolon, how to train, such as `conv 16 5x5 relu, pool 2, dense 64 relu; optimiser adam, epochs 40`.
 *
 * @typedef {import("loupe/layers").Pair} Pair
 * @typedef {import("loupe/network").LayerDocument} LayerDocument
 * @typedef {"none" | "relu" | "leaky" | "tanh"} ActivationName
 *
 * @typedef {object} LayerSpec
 * @property {"conv" | "pool" | "global" | "dense" | "dropout" | "batchnorm"} kind
 * @property {string} text  As it was written.
 * @property {number} [count]  Filters or units.
 * @property {Pair} [size]  Of a kernel or a window.
 * @property {Pair} [stride]
 * @property {Pair} [padding]
 * @property {boolean} [average]
 * @property {number} [rate]  Of a dropout.
 * @property {ActivationName} [activation]
 *
 * @typedef {object} Training
 * @property {keyof typeof RATES} optimiser
 * @property {number} rate
 * @property {number} batch
 * @property {number} epochs
 * @property {number} decay
 * @property {string} initialisation
 * @property {"none" | "centre" | "standardise"} preprocess
 *
 * @typedef {{layers: LayerSpec[], training: Training}} Spec
 */

/** The tutorial's two networks. */
export const FCNN_SENTENCE = "dense 4 relu";
export const CNN_SENTENCE = "conv 4 8x8 relu, pool 4, dense 4 relu";

/** The optimisers, each with the learning rate that Keras gives it. */
export const RATES = { sgd: 0.01, momentum: 0.01, rmsprop: 0.001, adam: 0.001 };
export const INITIALISATIONS = ["glorot_uniform", "glorot_normal", "he_uniform", "he_normal"];
export const PREPROCESSINGS = ["none", "centre", "standardise"];
const ACTIVATIONS = ["none", "relu", "leaky", "tanh"];
const LEAK = 0.2; // slope of a leaky ReLU below 0, as keras.activations.leaky_relu has it

/** @type {Training} */
export const USUAL = {
  optimiser: "rmsprop",
  rate: RATES.rmsprop,
  batch: 5,
  epochs: 20,
  decay: 0,
  initialisation: "glorot_uniform",
  preprocess: "none",
};

/** What the page does in a moment; more is for `faceloupe train`. */
const MOST = { filters: 256, units: 4096, side: 64, epochs: 500, batch: 1000, weights: 2e6 };

const EXAMPLES = {
  conv: "conv 16 5x5 stride 2 padding 1 relu",
  pool: "pool 2, or pool 3 stride 2",
  average: "average pool 2",
  global: "global pool, or global average pool",
  dense: "dense 64 relu",
  dropout: "dropout 0.25",
  batchnorm: "batchnorm relu",
};
const OPTIONS = {
  optimiser: "optimiser adam",
  rate: "rate 0.001",
  batch: "batch 5",
  epochs: "epochs 20",
  decay: "decay 0.0001",
  initialisation: "initialisation he_normal",
  preprocess: "preprocess centre",
};

/** A sentence that cannot be read, with the place and the remedy. */
export class SentenceError extends Error {
  /**
   * @param {string} problem
   * @param {string} remedy
   * @param {number} start  Of what is wrong in the sentence, in characters.
   * @param {number} stop
   */
  constructor(problem, remedy, start, stop) {
    super(`${problem} ${remedy}`);
    this.start = start;
    this.stop = stop;
  }
}

/** The words between two commas, taken from the left. */
class Phrase {
  /** @param {string} text @param {number} start  Where it stands in the sentence. */
  constructor(text, start) {
    this.words = [...text.matchAll(/\S+/g)].map(({ 0: word, index }) => ({
      word: word.toLowerCase(),
      at: start + index,
    }));
    this.end = start + text.trimEnd().length;
    this.next = 0;
  }

  get word() {
    return this.words[this.next]?.word ?? "";
  }

  /** @param {string} wanted */
  take(wanted) {
    const is = this.word === wanted;
    if (is) this.next++;
    return is;
  }

  /** @param {string} problem @param {string} remedy @returns {never} */
  fail(problem, remedy) {
    const { word = "", at = this.end } = this.words[this.next] ?? {};
    throw new SentenceError(problem, remedy, at, at + Math.max(1, word.length));
  }

  /** @template {string} T @param {T[]} allowed @param {string} remedy @returns {T} */
  choice(allowed, remedy) {
    const chosen = allowed.find((name) => name === this.word);
    if (!chosen) {
      const likely = nearest(this.word, allowed);
      const came = this.word ? ` “${this.word}” is none of them.` : "";
      this.fail(`Expected one of ${allowed.join(", ")}.${came}`, likely ? `Did you mean ${likely}?` : remedy);
    }
    this.next++;
    return chosen;
  }

  /** @param {string} what @param {number} least @param {number} most @param {string} remedy */
  whole(what, least, most, remedy) {
    const value = Number(this.word);
    if (!/^\d{1,9}$/.test(this.word) || value < least || value > most) {
      this.fail(`Expected ${what}, a whole number from ${least} to ${most}${this.came()}.`, remedy);
    }
    this.next++;
    return value;
  }

  /** @param {string} what @param {number} least @param {string} remedy @returns {Pair} */
  size(what, least, remedy) {
    const [, rows, columns = rows] = /^(\d{1,4})(?:[x×](\d{1,4}))?$/.exec(this.word) ?? [];
    const sides = /** @type {Pair} */ ([Number(rows), Number(columns)]);
    if (!rows || Math.min(...sides) < least || Math.max(...sides) > MOST.side) {
      this.fail(
        `Expected ${what}, ${least} to ${MOST.side} pixels, as 5 or 5x3 (height x width)${this.came()}.`,
        remedy,
      );
    }
    this.next++;
    return sides;
  }

  /** @param {string} what @param {(value: number) => boolean} fits @param {string} remedy */
  number(what, fits, remedy) {
    const value = this.word ? Number(this.word) : NaN;
    if (!fits(value)) this.fail(`Expected ${what}${this.came()}.`, remedy);
    this.next++;
    return value;
  }

  /** @param {string} remedy */
  close(remedy) {
    if (this.word) this.fail(`“${this.word}” is not expected here.`, remedy);
  }

  came() {
    return this.word ? `; got “${this.word}”` : "";
  }
}

/**
 * Read a sentence.
 *
 * @param {string} sentence
 * @returns {Spec}
 * @throws {SentenceError}
 */
export function parseNetwork(sentence) {
  const [before, ...after] = sentence.split(";");
  const layers = [...phrases(before, 0, "a layer", EXAMPLES.conv)].map(({ phrase, text }) => ({
    ...readLayer(phrase),
    text,
  }));
  checkOrder(before, layers);
  /** @type {Partial<Training>} */
  let said = {};
  if (after.length) {
    for (const { phrase } of phrases(after.join(";"), before.length + 1, "how to train", OPTIONS.optimiser)) {
      said = { ...said, ...readOption(phrase, said) };
    }
  }
  const rate = said.optimiser ? RATES[said.optimiser] : USUAL.rate;
  return { layers, training: { ...USUAL, rate, ...said } };
}

/** Write how to train as a sentence has it, without what is usual. @param {Training} training */
export function trainingText(training) {
  const usual = { ...USUAL, rate: RATES[training.optimiser] };
  return /** @type {(keyof Training)[]} */ (Object.keys(OPTIONS))
    .filter((name) => training[name] !== usual[name])
    .map((name) => `${name} ${training[name]}`)
    .join(", ");
}

/** @param {string} text @param {number} start @param {string} what @param {string} example */
function* phrases(text, start, what, example) {
  for (const part of text.split(",")) {
    const phrase = new Phrase(part, start);
    if (!phrase.word) phrase.fail(`Expected ${what} here, but there is nothing.`, `Write for example: ${example}`);
    yield { phrase, text: part.trim() };
    start += part.length + 1;
  }
}

/** @param {Phrase} phrase @returns {Omit<LayerSpec, "text">} */
function readLayer(phrase) {
  if (phrase.word in OPTIONS) {
    phrase.fail(`“${phrase.word}” says how to train, and stands among the layers.`, "Put a semicolon before it.");
  }
  const names = /** @type {(keyof typeof EXAMPLES)[]} */ (Object.keys(EXAMPLES));
  const kind = phrase.choice(names, "Write a layer such as: conv 16 5x5 relu");
  const example = `Write it as in: ${EXAMPLES[kind]}`;
  const layer = READERS[kind](phrase, example);
  if (phrase.word in EXAMPLES) phrase.fail(`A comma is missing before “${phrase.word}”.`, "Separate layers by commas.");
  phrase.close(example);
  return layer;
}

/** @type {Record<keyof typeof EXAMPLES, (phrase: Phrase, example: string) => Omit<LayerSpec, "text">>} */
const READERS = {
  conv: readConvolution,
  pool: (phrase, example) => readPooling(phrase, example, false),
  average(phrase, example) {
    phrase.choice(["pool"], example);
    return readPooling(phrase, example, true);
  },
  global(phrase, example) {
    const average = phrase.take("average");
    phrase.choice(["pool"], example);
    return { kind: "global", average };
  },
  dense: (phrase, example) => ({
    kind: "dense",
    count: phrase.whole("the number of units", 1, MOST.units, example),
    activation: readActivation(phrase),
  }),
  dropout: (phrase, example) => ({
    kind: "dropout",
    rate: phrase.number("a share above 0 and below 1", (value) => value > 0 && value < 1, example),
  }),
  batchnorm: (phrase) => ({ kind: "batchnorm", activation: readActivation(phrase) }),
};

/** @param {Phrase} phrase @param {string} example @returns {Omit<LayerSpec, "text">} */
function readConvolution(phrase, example) {
  const count = phrase.whole("the number of filters", 1, MOST.filters, example);
  const size = phrase.size("the size of the kernel", 1, example);
  /** @type {Pair} */
  let stride = [1, 1];
  /** @type {Pair} */
  let padding = [0, 0];
  /** @type {Set<string>} */
  const said = new Set();
  for (;;) {
    if (said.has(phrase.word)) phrase.fail(`“${phrase.word}” is said twice.`, "Leave one out.");
    said.add(phrase.word);
    if (phrase.take("stride")) stride = phrase.size("the stride", 1, example);
    else if (phrase.take("padding")) {
      if (phrase.word === "same" && (size.some((side) => side % 2 === 0) || stride.some((step) => step > 1))) {
        phrase.fail("Padding same needs a kernel of odd sides and stride 1.", "Give it in pixels: padding 1.");
      }
      if (phrase.take("same")) padding = [(size[0] - 1) / 2, (size[1] - 1) / 2];
      else {
        padding = phrase.size("the padding", 0, example);
        if (padding[0] >= size[0] || padding[1] >= size[1]) {
          phrase.next--;
          phrase.fail("The padding must be smaller than the kernel.", "With more, some outputs see only padding.");
        }
      }
    } else break;
  }
  return { kind: "conv", count, size, stride, padding, activation: readActivation(phrase) };
}

/** @param {Phrase} phrase @param {string} example @param {boolean} average @returns {Omit<LayerSpec, "text">} */
function readPooling(phrase, example, average) {
  const size = phrase.size("the size of the pooling window", 1, example);
  return { kind: "pool", size, stride: phrase.take("stride") ? phrase.size("the stride", 1, example) : size, average };
}

/** @param {Phrase} phrase @returns {ActivationName} */
function readActivation(phrase) {
  if (!phrase.word || phrase.word in EXAMPLES) return "none";
  const chosen = phrase.choice(ACTIVATIONS, "Without an activation, write nothing there.");
  if (chosen === "leaky") phrase.take("relu"); // “leaky relu” says the same
  return /** @type {ActivationName} */ (chosen);
}

/** @param {Phrase} phrase @param {Partial<Training>} said @returns {Partial<Training>} */
function readOption(phrase, said) {
  if (phrase.word === "augment") phrase.fail("The page does not vary faces in training.", "Use faceloupe train.");
  if (phrase.word in EXAMPLES) {
    phrase.fail(
      `“${phrase.word}” is a layer, and stands where it is said how to train.`,
      "Put it before the semicolon.",
    );
  }
  const names = /** @type {(keyof Training)[]} */ (Object.keys(OPTIONS));
  const name = phrase.choice(names, `What can be said: ${Object.values(OPTIONS).join(", ")}`);
  if (name in said) {
    phrase.next--;
    phrase.fail(`“${name}” is said twice.`, "Leave one out.");
  }
  const example = `Write it as in: ${OPTIONS[name]}`;
  const value = OPTION_READERS[name](phrase, example);
  phrase.close(phrase.word in OPTIONS ? "Separate what is said by commas." : example);
  return { [name]: value };
}

/** @type {Record<keyof Training, (phrase: Phrase, example: string) => string | number>} */
const OPTION_READERS = {
  optimiser: (phrase, example) => phrase.choice(Object.keys(RATES), example),
  rate: (phrase, example) =>
    phrase.number("a learning rate above 0, at most 10", (rate) => rate > 0 && rate <= 10, example),
  batch: (phrase, example) => phrase.whole("the captures a step", 1, MOST.batch, example),
  epochs: (phrase, example) => phrase.whole("the number of epochs", 1, MOST.epochs, example),
  decay: (phrase, example) => phrase.number("a weight decay, 0 to 100", (decay) => decay >= 0 && decay <= 100, example),
  initialisation: (phrase, example) => phrase.choice(INITIALISATIONS, example),
  preprocess: (phrase, example) => phrase.choice(PREPROCESSINGS, example),
};

/** Refuse layers that need rows and columns where none are left. @param {string} text @param {LayerSpec[]} layers */
function checkOrder(text, layers) {
  const flat = layers.findIndex(({ kind }) => kind === "dense" || kind === "global");
  if (flat < 0) return;
  const wrong = layers.findIndex(({ kind }, place) => place > flat && ["conv", "pool", "global"].includes(kind));
  if (wrong < 0) return;
  const start = text.split(",").slice(0, wrong).join(",").length + 1;
  const said = `“${layers[wrong].text}” needs rows and columns, and after “${layers[flat].text}” there are none.`;
  throw new SentenceError(said, "Put it before.", start, start + layers[wrong].text.length + 1);
}

/**
 * The name that most likely was meant: that with the fewest letters to change, if they are few.
 *
 * @param {string} word
 * @param {string[]} names
 */
function nearest(word, names) {
  const changes = names.map((name) => distance(word, name));
  const least = Math.min(...changes);
  return least <= Math.max(1, word.length / 3) ? names[changes.indexOf(least)] : undefined;
}

/** How many letters to change, add or leave out (Levenshtein 1966). @param {string} one @param {string} other */
function distance(one, other) {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + Number(one[i - 1] !== other[j - 1]));
    }
    row = next;
  }
  return row[other.length];
}

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
  if (count > MOST.weights) {
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
