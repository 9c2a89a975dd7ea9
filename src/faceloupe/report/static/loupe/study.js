/**
 * The document of the page, decoded when it is needed, and what the networks make of the face on the bench.
 *
 * @typedef {import("loupe/network").Network} Network
 * @typedef {import("loupe/network").Pass} Pass
 * @typedef {import("loupe/store").State} State
 */

import { at, decode, pixels } from "loupe/arrays";
import { change } from "loupe/changes";
import { deadUnits, forward, ledger, readNetwork } from "loupe/network";

/** Read what the page carries. @param {object} document */
export function readStudy(document) {
  const stack = decode(document.faces);
  const faces = document.labels.map((_, index) => pixels(at(stack, index)));
  const kinds = {};
  for (const kind of ["fcnn", "cnn"]) {
    const keys = Object.keys(document.networks).filter((key) => document.networks[key].kind === kind);
    if (keys.length) kinds[kind] = keys;
  }
  const [, ...size] = stack.shape;
  const trained = document.training.faces ?? faces.map((_, index) => index);
  const heldOut = faces.map((_, index) => index).filter((index) => !trained.includes(index));
  return { ...document, faces, size, kinds, trained, heldOut, networks: { ...document.networks } };
}

/** Return a network's entry: the document's, or one that was trained here. */
export function entryOf(study, state, key) {
  return study.networks[key] ?? Object.values(state.own).find((entry) => entry.key === key);
}

/** Return the keys of one kind, those trained here last. */
export function keysOf(study, state, kind) {
  return [...study.kinds[kind], ...(state.own[kind] ? [state.own[kind].key] : [])];
}

/** How many epochs an entry remembers; 0 without a history. */
export function epochsOf(entry) {
  return entry.history ? entry.history.loss.length : 0;
}

/**
 * Return the choice that exists: an unknown network, fit or epoch falls back to the first or the last.
 *
 * @param {State} state
 * @param {string} kind
 */
export function choiceOf(study, state, kind) {
  const { key, source, index } = state.choices[kind];
  const entry = entryOf(study, state, key);
  if (entry?.kind !== kind) return { key: study.kinds[kind][0], source: "fit", index: 0 };
  if (source === "epoch" && entry.history) return { key, source, index: Math.min(index, epochsOf(entry)) };
  return { key, source: "fit", index: Math.min(source === "fit" ? index : 0, entry.fits.length - 1) };
}

const networks = new WeakMap();

/** Return the network of a choice, made once. @returns {Network} */
export function networkOf(study, entry, { source, index }) {
  if (entry.networks) return entry.networks[source][index];
  const made = networks.get(entry) ?? new Map();
  networks.set(entry, made);
  const name = `${source} ${index}`;
  if (!made.has(name)) {
    const { preprocessing } = source === "fit" ? entry.fits[index] : entry.history;
    made.set(name, readNetwork({ ...entry, preprocessing }, weightsOf(entry, source, index), study.size));
  }
  return made.get(name);
}

const histories = new WeakMap();

function weightsOf({ fits, history }, source, index) {
  if (source === "fit") return mapValues(fits[index].weights, decode);
  if (!histories.has(history)) histories.set(history, mapValues(history.weights, decode));
  return mapValues(histories.get(history), (array) => at(array, index));
}

const surveys = new WeakMap();

/**
 * Run a network on every face of the study: the ranges that keep the scales still, and the units that stay silent.
 *
 * @param {Network} network
 */
export function survey(study, network) {
  if (!surveys.has(network)) {
    const passes = study.faces.map((face) => forward(network, face));
    surveys.set(network, {
      logits: passes.map((pass) => pass.logit),
      conv: Math.max(...passes.map((pass) => largest(pass.conv ?? []))),
      term: Math.max(...passes.map((pass) => largest(ledger(network, pass).terms))),
      dead: deadUnits(network, study.faces),
    });
  }
  return surveys.get(network);
}

/** @param {ArrayLike<number>} values */
export function largest(values) {
  let most = 0;
  for (let index = 0; index < values.length; index++) most = Math.max(most, Math.abs(values[index]));
  return most;
}

/** Keep the last result of a function for as long as its arguments stay the same. */
function remember(make) {
  let last = null;
  let result;
  return (...given) => {
    if (!last || given.some((one, index) => one !== last[index])) [result, last] = [make(...given), given];
    return result;
  };
}

const changed = remember((face, size, changes) => change(face, size, changes));
const passes = { fcnn: remember(forward), cnn: remember(forward) };
const ledgers = { fcnn: remember(ledger), cnn: remember(ledger) };
const pinned = remember(forward);

/**
 * @typedef {object} Slot  One network on the bench.
 * @property {string} kind
 * @property {{key: string, source: string, index: number}} choice
 * @property {object} entry
 * @property {Network} network
 * @property {Pass} pass
 * @property {ReturnType<typeof survey>} survey
 * @property {() => ReturnType<typeof ledger>} ledger
 */

/**
 * What stands on the bench: the face as it is now, and each network with its answer.
 *
 * @param {State} state
 */
export function look(study, state) {
  const face = changed(state.picture?.face ?? study.faces[state.face], study.size, state.changes);
  const slots = Object.keys(study.kinds).map((kind) => {
    const choice = choiceOf(study, state, kind);
    const entry = entryOf(study, state, choice.key);
    const network = networkOf(study, entry, choice);
    const pass = passes[kind](network, face);
    return {
      kind,
      choice,
      entry,
      network,
      pass,
      survey: steadied(study, entry, choice, network),
      ledger: () => ledgers[kind](network, pass),
    };
  });
  return { face, slots, bound: logitBound(slots) };
}

/** A network's survey; through the epochs, the scales are also those of the last, so that they hardly move. */
function steadied(study, entry, choice, network) {
  const now = survey(study, network);
  if (choice.source === "fit") return now;
  const end = survey(study, networkOf(study, entry, { source: "epoch", index: epochsOf(entry) }));
  const logits = [...now.logits, ...end.logits];
  return { ...now, logits, conv: Math.max(now.conv, end.conv), term: Math.max(now.term, end.term) };
}

/** The end of the logits' common axis: a round number beyond every plain face's logit. */
function logitBound(slots) {
  const most = Math.max(...slots.flatMap(({ survey: { logits } }) => logits.map(Math.abs)));
  const power = 10 ** Math.floor(Math.log10(Math.max(most, 0.1)));
  return [1, 2, 5, 10].map((step) => step * power).find((end) => end >= most);
}

/** Run the face that a pin names: the one on the bench as it stands there, any other as it is. */
export function passOfPin(study, state, slot, face) {
  return face === state.face ? slot.pass : pinned(slot.network, study.faces[face]);
}

/** @template A, B @param {Record<string, A>} record @param {(value: A) => B} make */
export function mapValues(record, make) {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, make(value)]));
}
