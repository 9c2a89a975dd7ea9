/**
 * Numbers and findings in words.
 *
 * @typedef {import("loupe/study").Slot} Slot
 * @typedef {import("loupe/study").Study} Study
 * @typedef {import("loupe/study").Fit} Fit
 * @typedef {import("loupe/layers").Layer} Layer
 * @typedef {import("loupe/network").Network} Network
 */

import { decide } from "loupe/network";

/** @param {number} value */
export const number = (value, digits = 3) => value.toFixed(digits).replace("-", "−");

/** A number with its sign; what rounds to zero has none. @param {number} value */
export function signed(value, digits = 3) {
  const text = number(value, digits);
  if (Number(value.toFixed(digits)) === 0) return text.replace("−", "");
  return value > 0 ? `+${text}` : text;
}

/** @param {number} share */
export const percent = (share, digits = 0) => `${(100 * share).toFixed(digits)} %`;

/** @param {number} many @param {string} noun */
export const count = (many, noun) => `${many.toLocaleString("en-GB")} ${noun}${many === 1 ? "" : "s"}`;

/** "row 3, column 5", counted from 1 as people count. @param {number} row @param {number} column */
export const place = (row, column) => `row ${row + 1}, column ${column + 1}`;

/** A face by its subject and which of the subject's captures it is. @param {Study} study @param {number} index */
export function faceName({ people, labels, captures, known }, index) {
  return known ? `${people[labels[index]]}, capture ${captures[index]}` : `Face ${index + 1}`;
}

/** A layer in a few words: "4 filters 8 × 8". @param {Layer} layer */
export function layerWords(layer) {
  switch (layer.kind) {
    case "convolution": {
      const step = Math.max(...layer.stride) > 1 ? `, stride ${size(layer.stride)}` : "";
      const zeros = Math.max(...layer.padding) ? `, padding ${size(layer.padding)}` : "";
      return `${count(layer.output[0], "filter")} ${layer.kernel.join(" × ")}${step}${zeros}`;
    }
    case "pooling": {
      const step = layer.stride.join() === layer.size.join() ? "" : `, stride ${size(layer.stride)}`;
      return `${layer.average ? "average" : "max"} pooling ${layer.size.join(" × ")}${step}`;
    }
    case "activation":
      return layer.function === "tanh" ? "tanh" : layer.slope ? `leaky ReLU, slope ${layer.slope}` : "ReLU";
    case "normalisation":
      return "batch normalisation";
    case "dropout":
      return `dropout ${percent(layer.rate)}: in training alone`;
    case "flatten":
      return "in one row";
    default:
      return `dense, ${count(layer.output[0], "unit")}`;
  }
}

/** @param {[number, number]} sides */
const size = ([rows, columns]) => (rows === columns ? String(rows) : `${rows} × ${columns}`);

/** What a layer's channels are called, one of them. @param {Layer} layer */
export const channelName = ({ output }) => (output.length === 3 ? "Filter" : "Unit");

/**
 * Whether a network gives every face the same answer, because a whole layer never speaks.
 *
 * @param {Pick<Slot, "survey">} slot
 */
export const isDead = ({ survey: { silences } }) => silences.some(({ units }) => units.every(Boolean));

/** What a network's silent units mean, in one or two sentences. @param {Pick<Slot, "network" | "survey">} slot */
export function silence({ network, survey: { silences } }) {
  const whole = silences.find(({ units }) => units.every(Boolean));
  if (whole) {
    const { input } = network.layers[whole.layer];
    const what = input.length === 3 ? count(input[0], "filter") : count(input[0], "hidden unit");
    return `All ${what} are silent for every face here: their sums stay below zero, and the answer is always the same.`;
  }
  const said = silences.flatMap(({ layer, units }) => {
    const silent = units.filter(Boolean).length;
    const noun = network.layers[layer].input.length === 3 ? "filter" : "hidden unit";
    return silent
      ? [`${silent} of ${count(units.length, noun)} ${silent === 1 ? "is" : "are"} silent for every face`]
      : [];
  });
  return said.length ? `${said.join("; ")}.` : "Every unit speaks for some face.";
}

/** Which weights a slot holds: "seed 3 · held-out 90 %". @param {Pick<Slot, "entry" | "choice">} slot */
export function provenance({ entry, choice }) {
  if (choice.source === "epoch" && entry.history) {
    const when = choice.index ? `after epoch ${choice.index} of ${entry.history.loss.length}` : "before training";
    return `seed ${entry.history.seed}, ${when}`;
  }
  const { seed, accuracy: heldOut, train_accuracy: trained } = entry.fits[choice.index];
  if (trained === null) return "as it was given";
  return `seed ${seed} · ${heldOut === null ? `trained to ${percent(trained)}` : `held-out ${percent(heldOut)}`}`;
}

/** @param {Fit} fit */
export function accuracy(fit) {
  if (fit.accuracy !== null) return `${percent(fit.accuracy)} of held-out faces right`;
  return fit.train_accuracy === null ? "accuracy not known" : `${percent(fit.train_accuracy)} of training faces right`;
}

/** The answer of a slot. @param {string[]} people @param {Slot} slot */
export function answer(people, { title, pass }) {
  const said = decide(pass.logits);
  const logit = pass.logits.length === 1 ? `logit ${signed(pass.logits[0])}, ` : "";
  return `${title}: ${logit}${people[said]} with probability ${percent(pass.probabilities[said], 1)}.`;
}

/** The indices of the largest magnitudes, the largest first. @param {ArrayLike<number>} values @param {number} most */
export function strongest(values, most) {
  return Array.from(values, (_, index) => index)
    .sort((one, other) => Math.abs(values[other]) - Math.abs(values[one]))
    .slice(0, most);
}

/**
 * What an activation makes of a number, in words; empty without one.
 *
 * @param {Layer | undefined} layer @param {number} after
 */
export function activated(layer, after) {
  return layer?.kind === "activation" ? `; after the ${activationName(layer)} ${number(after)}` : "";
}

/** @param {Layer} layer */
export function activationName(layer) {
  if (layer.kind !== "activation") return "activation";
  return { relu: "ReLU", leaky: "leaky ReLU", tanh: "tanh" }[layer.function];
}

/** How a convolution's number came about. */
/** @param {import("loupe/store").Cell} cell @param {import("loupe/cells").ConvolutionCell} at @param {string} after */
export function convolutionSentence({ filter, row, column }, { sum, bias, value }, after) {
  const parts = `products sum to ${signed(sum)}, bias ${signed(bias)}, value ${signed(value)}`;
  return `Filter ${filter + 1}, ${place(row, column)}: ${parts}${after}.`;
}

/**
 * How a pooled number came about.
 *
 * @param {import("loupe/store").Cell} cell @param {import("loupe/cells").PoolingCell} at
 */
export function poolingSentence({ filter, row, column }, { winner, ties, values, value }) {
  const where = `Filter ${filter + 1}, window at ${place(row, column)}`;
  if (!winner) return `${where}: the mean of ${values.length} values is ${number(value)}.`;
  if (value === 0 && ties === values.length) {
    return `${where}: all ${values.length} values are 0 after the ReLU, so the window says 0; nothing won.`;
  }
  const tie = ties > 1 ? ` ${ties} values tie for the largest; the first counts.` : "";
  const won = place(winner.row, winner.column);
  return `${where}: the largest of ${values.length} values is ${number(value)}, at ${won} of the map.${tie}`;
}

/**
 * What one feature gave to the logit.
 *
 * @param {Slot} slot
 * @param {import("loupe/store").Cell} cell
 * @param {number} feature
 * @param {number} term
 */
export function termSentence({ title, network, ledger }, { filter, row, column }, feature, term) {
  const { shape } = ledger();
  const pixels = network.layers.every(({ kind }) => kind !== "convolution");
  const where =
    shape.length < 3
      ? `Feature ${filter + 1}`
      : pixels
        ? `Pixel at ${place(row, column)}`
        : `Filter ${filter + 1}, ${place(row, column)}`;
  const weight = feature === 0 ? "" : `, times ${signed(term / feature, 4)} through the open units`;
  const name = network.mean && pixels ? "value less the mean" : "value";
  return `${title}. ${where}: ${name} ${number(feature)}${weight}, gives ${signed(term, 4)} to the logit.`;
}
