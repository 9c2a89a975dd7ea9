/**
 * The language of small networks, as `faceloupe.training` reads it: layers separated by commas, then, after a
 * semicolon, how to train, such as `conv 16 5x5 relu, pool 2, dense 64 relu; optimiser adam, epochs 40`.
 *
 * @typedef {import("loupe/layers").Pair} Pair
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

import { Phrase, SentenceError, takeChoice, takeNumber, takeSize, takeWhole } from "loupe/phrase";

/** The tutorial's two networks. */
export const FCNN_SENTENCE = "dense 4 relu";
export const CNN_SENTENCE = "conv 4 8x8 relu, pool 4, dense 4 relu";

/** The optimisers, each with the learning rate that Keras gives it. */
export const RATES = { sgd: 0.01, momentum: 0.01, rmsprop: 0.001, adam: 0.001 };
export const INITIALISATIONS = ["glorot_uniform", "glorot_normal", "he_uniform", "he_normal"];
export const PREPROCESSINGS = ["none", "centre", "standardise"];
const ACTIVATIONS = ["none", "relu", "leaky", "tanh"];

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
const MOST = { filters: 256, units: 4096, epochs: 500, batch: 1000 };

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
  const kind = takeChoice(phrase, names, "Write a layer such as: conv 16 5x5 relu");
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
    takeChoice(phrase, ["pool"], example);
    return readPooling(phrase, example, true);
  },
  global(phrase, example) {
    const average = phrase.take("average");
    takeChoice(phrase, ["pool"], example);
    return { kind: "global", average };
  },
  dense: (phrase, example) => ({
    kind: "dense",
    count: takeWhole(phrase, "the number of units", MOST.units, example),
    activation: readActivation(phrase),
  }),
  dropout: (phrase, example) => ({
    kind: "dropout",
    rate: takeNumber(phrase, "a share above 0 and below 1", (value) => value > 0 && value < 1, example),
  }),
  batchnorm: (phrase) => ({ kind: "batchnorm", activation: readActivation(phrase) }),
};

/** @param {Phrase} phrase @param {string} example @returns {Omit<LayerSpec, "text">} */
function readConvolution(phrase, example) {
  const count = takeWhole(phrase, "the number of filters", MOST.filters, example);
  const size = takeSize(phrase, "the size of the kernel", 1, example);
  /** @type {Pair} */
  let stride = [1, 1];
  /** @type {Pair} */
  let padding = [0, 0];
  /** @type {Set<string>} */
  const said = new Set();
  for (;;) {
    if (said.has(phrase.word)) phrase.fail(`“${phrase.word}” is said twice.`, "Leave one out.");
    said.add(phrase.word);
    if (phrase.take("stride")) stride = takeSize(phrase, "the stride", 1, example);
    else if (phrase.take("padding")) {
      if (phrase.word === "same" && (size.some((side) => side % 2 === 0) || stride.some((step) => step > 1))) {
        phrase.fail("Padding same needs a kernel of odd sides and stride 1.", "Give it in pixels: padding 1.");
      }
      if (phrase.take("same")) padding = [(size[0] - 1) / 2, (size[1] - 1) / 2];
      else {
        padding = takeSize(phrase, "the padding", 0, example);
        if (padding[0] >= size[0] || padding[1] >= size[1]) {
          phrase.back();
          phrase.fail("The padding must be smaller than the kernel.", "With more, some outputs see only padding.");
        }
      }
    } else break;
  }
  return { kind: "conv", count, size, stride, padding, activation: readActivation(phrase) };
}

/** @param {Phrase} phrase @param {string} example @param {boolean} average @returns {Omit<LayerSpec, "text">} */
function readPooling(phrase, example, average) {
  const size = takeSize(phrase, "the size of the pooling window", 1, example);
  return {
    kind: "pool",
    size,
    stride: phrase.take("stride") ? takeSize(phrase, "the stride", 1, example) : size,
    average,
  };
}

/** @param {Phrase} phrase @returns {ActivationName} */
function readActivation(phrase) {
  if (!phrase.word || phrase.word in EXAMPLES) return "none";
  const chosen = takeChoice(phrase, ACTIVATIONS, "Without an activation, write nothing there.");
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
  const name = takeChoice(phrase, names, `What can be said: ${Object.values(OPTIONS).join(", ")}`);
  if (name in said) {
    phrase.back();
    phrase.fail(`“${name}” is said twice.`, "Leave one out.");
  }
  const example = `Write it as in: ${OPTIONS[name]}`;
  const value = OPTION_READERS[name](phrase, example);
  phrase.close(phrase.word in OPTIONS ? "Separate what is said by commas." : example);
  return { [name]: value };
}

/** @type {Record<keyof Training, (phrase: Phrase, example: string) => string | number>} */
const OPTION_READERS = {
  optimiser: (phrase, example) => takeChoice(phrase, Object.keys(RATES), example),
  rate: (phrase, example) =>
    takeNumber(phrase, "a learning rate above 0, at most 10", (rate) => rate > 0 && rate <= 10, example),
  batch: (phrase, example) => takeWhole(phrase, "the captures a step", MOST.batch, example),
  epochs: (phrase, example) => takeWhole(phrase, "the number of epochs", MOST.epochs, example),
  decay: (phrase, example) =>
    takeNumber(phrase, "a weight decay, 0 to 100", (decay) => decay >= 0 && decay <= 100, example),
  initialisation: (phrase, example) => takeChoice(phrase, INITIALISATIONS, example),
  preprocess: (phrase, example) => takeChoice(phrase, PREPROCESSINGS, example),
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
