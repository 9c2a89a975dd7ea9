/**
 * The document of the page, decoded when it is needed, and what the networks make of the face on the bench.
 *
 * @typedef {import("loupe/arrays").ArrayDocument} ArrayDocument
 * @typedef {import("loupe/network").Network} Network
 * @typedef {import("loupe/network").Pass} Pass
 * @typedef {import("loupe/network").Silence} Silence
 * @typedef {import("loupe/network").LayerDocument} LayerDocument
 * @typedef {import("loupe/layers").Pair} Pair
 * @typedef {import("loupe/store").State} State
 * @typedef {import("loupe/store").Choice} Choice
 *
 * @typedef {object} Moment  What a network computes with.
 * @property {{mean: number, scale: number}} preprocessing
 * @property {Record<string, ArrayDocument>} weights
 *
 * @typedef {object} Fit
 * @property {number} seed
 * @property {number | null} accuracy  Held out; null where nothing was.
 * @property {number | null} train_accuracy  Null where it is not known.
 * @property {Record<string, number | null>} dead  How many units of a layer, by its name, no training face wakes.
 * @property {number[]} [trained_on]  The faces that it was trained on, where they are others than the document's.
 *
 * @typedef {object} History  Of one seed, epoch by epoch.
 * @property {number} seed
 * @property {number[]} loss
 * @property {number[]} accuracy
 * @property {number[]} [heldOutLoss]
 * @property {number[]} [heldOutAccuracy]
 *
 * @typedef {object} Entry  A network with its fits.
 * @property {string} kind  Which place on the bench it takes.
 * @property {string} label
 * @property {string} [name]  Of its kind, in a word.
 * @property {LayerDocument[]} layers
 * @property {(Fit & Partial<Moment>)[]} fits
 * @property {History & Partial<Moment>} [history]
 * @property {{fit: Network[], epoch: Network[]}} [networks]  Of what was trained here.
 *
 * @typedef {object} StudyDocument  What `faceloupe.loupe.data` writes.
 * @property {string[]} people
 * @property {ArrayDocument} faces
 * @property {number[]} labels
 * @property {boolean} subjects_known
 * @property {number} [opening_face]
 * @property {{epochs: number, batch_size: number, learning_rate: number, faces?: number[]}} training
 * @property {Record<string, Entry>} networks
 * @property {string} [load]  Python that loads these faces, for exports.
 *
 * @typedef {object} Study
 * @property {string[]} people
 * @property {Float32Array[]} faces
 * @property {number[]} labels
 * @property {number[]} captures  Which of its subject's captures each face is, from 1.
 * @property {boolean} known  Whether it is known whom the faces show.
 * @property {number} opening  The face that stands on the bench at first.
 * @property {StudyDocument["training"]} training
 * @property {Pair} size
 * @property {number[]} trained
 * @property {Record<string, Entry>} networks
 * @property {Record<string, string[]>} kinds  The networks of each kind.
 * @property {string} [load]
 *
 * @typedef {object} Survey  A network on every face of the study.
 * @property {Pass["logits"][]} logits
 * @property {number[]} limits  The largest magnitude of each layer's numbers.
 * @property {number} term  Of the ledger's terms.
 * @property {Silence[]} silences
 *
 * @typedef {object} Slot  One network on the bench.
 * @property {string} kind
 * @property {string} title  Of its kind, in a word.
 * @property {"first" | "second"} colour
 * @property {Choice} choice
 * @property {Entry} entry
 * @property {Network} network
 * @property {Pass} pass
 * @property {Survey} survey
 * @property {number[] | null} trained  The faces that it was trained on; null where that is not known.
 * @property {number} target  The logit that says the decision.
 * @property {() => import("loupe/ledger").Ledger} ledger  Of that logit.
 */

import { at, decode, pixels } from "loupe/arrays";
import { change } from "loupe/changes";
import { ledger } from "loupe/ledger";
import { decide, forward, placeLayers, readNetwork, silentUnits } from "loupe/network";

/** Read what the page carries. @param {StudyDocument} document @returns {Study} */
export function readStudy(document) {
  const { people, labels, training, networks, load } = document;
  const stack = decode(document.faces);
  const faces = labels.map((_, index) => pixels(at(stack, index)));
  /** @type {Record<string, string[]>} */
  const kinds = {};
  for (const [key, { kind }] of Object.entries(networks)) kinds[kind] = [...(kinds[kind] ?? []), key];
  /** @type {number[]} */
  const seen = [];
  const captures = labels.map((label) => (seen[label] = (seen[label] ?? 0) + 1));
  return {
    people,
    faces,
    labels,
    captures,
    known: document.subjects_known,
    opening: document.opening_face ?? 0,
    training,
    size: [stack.shape[1], stack.shape[2]],
    trained: training.faces ?? faces.map((_, index) => index),
    networks: { ...networks },
    kinds: Object.fromEntries(Object.entries(kinds).sort(([one], [other]) => order(one) - order(other))),
    load,
  };
}

/** The fully-connected network stands first, as the tutorial has it. @param {string} kind */
const order = (kind) => (kind === "fcnn" ? 0 : 1);

/** How many logits there are for some people. @param {Study} study */
export const outputsOf = ({ people }) => (people.length > 2 ? people.length : 1);

/**
 * Return a network's entry: the document's, or one that was trained here.
 *
 * @param {Study} study @param {State} state @param {string} key
 */
export function entryOf(study, state, key) {
  return study.networks[key] ?? state.own[key];
}

/**
 * Return the keys of one kind, then of what was trained here.
 *
 * @param {Study} study @param {State} state @param {string} kind
 */
export function keysOf(study, state, kind) {
  return [...study.kinds[kind], ...Object.keys(state.own)];
}

/** How many epochs an entry remembers; 0 without a history. @param {Entry} entry */
export function epochsOf(entry) {
  return entry.history ? entry.history.loss.length : 0;
}

/** Which accuracy a fit is ranked by. @param {Fit} fit */
export const score = (fit) => fit.accuracy ?? fit.train_accuracy ?? 0;

/** The places of an entry's fits from the worst to the best. @param {Entry} entry */
export function ranked({ fits }) {
  return fits.map((_, index) => index).sort((one, other) => score(fits[one]) - score(fits[other]) || one - other);
}

/**
 * Whether a fit answers every face alike: a whole layer of it is silent.
 *
 * @param {Study} study @param {Entry} entry @param {number} index
 */
export function isDeadFit(study, entry, index) {
  const units = widthsOf(study, entry);
  return Object.entries(entry.fits[index].dead).some(
    ([name, count]) => count !== null && count >= (units[name] ?? Infinity),
  );
}

/** @type {WeakMap<Entry, Record<string, number>>} */
const widths = new WeakMap();

/**
 * How many units stand in each layer, by its name; no weights are decoded.
 *
 * @param {Study} study @param {Entry} entry
 */
function widthsOf(study, entry) {
  const before = widths.get(entry);
  if (before) return before;
  const shapes = mapValues(entry.fits[0].weights ?? {}, ({ shape }) => shape);
  const layers = entry.networks ? entry.networks.fit[0].layers : placeLayers(entry.layers, shapes, study.size);
  const made = Object.fromEntries(layers.map(({ name, output }) => [name, output[0]]));
  widths.set(entry, made);
  return made;
}

/**
 * What the bench opens with: of each kind the network whose middle fit recognises most, and of both the same seed:
 * that of the page's pictures if both live, else the middle one of those that do.
 *
 * @param {Study} study
 * @returns {Record<string, Choice>}
 */
export function openingChoices(study) {
  const keys = mapValues(study.kinds, (names) => {
    const middles = names.map((key) => score(middleOf(study.networks[key])));
    return names[middles.indexOf(Math.max(...middles))];
  });
  const living = mapValues(keys, (key) => {
    const entry = study.networks[key];
    return ranked(entry).filter((index) => !isDeadFit(study, entry, index));
  });
  const seedsOf = (/** @type {string} */ kind) =>
    new Set(living[kind].map((index) => study.networks[keys[kind]].fits[index].seed));
  const [first, ...others] = Object.keys(keys).sort((one, other) => living[one].length - living[other].length);
  const shared = living[first].filter((index) =>
    others.every((kind) => seedsOf(kind).has(study.networks[keys[first]].fits[index].seed)),
  );
  const pictured = study.networks[keys[first]].history?.seed; // of the page's pictures
  const seeds = shared.map((index) => study.networks[keys[first]].fits[index].seed);
  const seed = pictured !== undefined && seeds.includes(pictured) ? pictured : seeds[Math.floor(seeds.length / 2)];
  return Object.fromEntries(
    Object.entries(keys).map(([kind, key]) => {
      const same = study.networks[key].fits.findIndex((fit) => fit.seed === seed);
      const middle = living[kind][Math.floor(living[kind].length / 2)] ?? 0;
      return [kind, { key, source: "fit", index: same < 0 ? middle : same }];
    }),
  );
}

/** @param {Entry} entry */
const middleOf = (entry) => entry.fits[ranked(entry)[Math.floor((entry.fits.length - 1) / 2)]];

/**
 * A dead fit of a kind, to look at beside one that lives.
 *
 * @param {Study} study
 * @param {string} kind
 * @returns {Choice | null}
 */
export function deadChoice(study, kind) {
  for (const key of study.kinds[kind]) {
    const index = study.networks[key].fits.findIndex((_, place) => isDeadFit(study, study.networks[key], place));
    if (index >= 0) return { key, source: "fit", index };
  }
  return null;
}

/**
 * Return the choice that exists: an unknown network, fit or epoch falls back to the first or the last.
 *
 * @param {Study} study
 * @param {State} state
 * @param {string} kind
 * @returns {Choice}
 */
export function choiceOf(study, state, kind) {
  const { key, source, index } = state.choices[kind];
  const entry = entryOf(study, state, key);
  if (!entry) return { key: study.kinds[kind][0], source: "fit", index: 0 };
  if (source === "epoch" && entry.history) return { key, source, index: Math.min(index, epochsOf(entry)) };
  return { key, source: "fit", index: Math.min(source === "fit" ? index : 0, entry.fits.length - 1) };
}

/** @type {WeakMap<Entry, Map<string, Network>>} */
const networks = new WeakMap();

/**
 * Return the network of a choice, made once.
 *
 * @param {Study} study @param {Entry} entry @param {Omit<Choice, "key">} choice @returns {Network}
 */
export function networkOf(study, entry, { source, index }) {
  if (entry.networks) return entry.networks[source][index];
  const made = networks.get(entry) ?? new Map();
  networks.set(entry, made);
  const name = `${source} ${index}`;
  if (!made.has(name)) {
    const { preprocessing = { mean: 0, scale: 1 } } = (source === "fit" ? entry.fits[index] : entry.history) ?? {};
    made.set(name, readNetwork(entry.layers, preprocessing, weightsOf(entry, source, index), study.size));
  }
  return made.get(name);
}

/** @type {WeakMap<object, Record<string, import("loupe/arrays").NDArray>>} */
const histories = new WeakMap();

/** @param {Entry} entry @param {Choice["source"]} source @param {number} index */
function weightsOf({ fits, history }, source, index) {
  if (source === "fit" || !history) return mapValues(fits[index].weights ?? {}, decode);
  const stacked = histories.get(history) ?? mapValues(history.weights ?? {}, decode);
  histories.set(history, stacked);
  return mapValues(stacked, (array) => at(array, index));
}

/** @type {WeakMap<Network, Survey>} */
const surveys = new WeakMap();

/**
 * Run a network on every face of the study: the ranges that keep the scales still, and the units that stay silent.
 *
 * @param {Study} study
 * @param {Network} network
 * @returns {Survey}
 */
export function survey(study, network) {
  const before = surveys.get(network);
  if (before) return before;
  const passes = study.faces.map((face) => forward(network, face));
  const made = {
    logits: passes.map(({ logits }) => logits),
    limits: network.layers.map((_, layer) => Math.max(...passes.map(({ outputs }) => largest(outputs[layer])))),
    term: Math.max(...passes.map((pass) => largest(ledger(network, pass, targetOf(pass)).terms))),
    silences: silentUnits(network, passes),
  };
  surveys.set(network, made);
  return made;
}

/** The logit that says a decision. @param {Pass} pass */
const targetOf = ({ logits }) => (logits.length === 1 ? 0 : decide(logits));

/** @param {ArrayLike<number>} values */
export function largest(values) {
  let most = 0;
  for (let index = 0; index < values.length; index++) most = Math.max(most, Math.abs(values[index]));
  return most;
}

/**
 * Keep the last result of a function for as long as its arguments stay the same.
 *
 * @template {unknown[]} A
 * @template R
 * @param {(...given: A) => R} make
 * @returns {(...given: A) => R}
 */
function remember(make) {
  /** @type {{given: A, result: R} | null} */
  let last = null;
  return (...given) => {
    if (!last || given.some((argument, index) => argument !== last?.given[index]))
      last = { given, result: make(...given) };
    return last.result;
  };
}

const changed = remember(change);
/** @type {Record<string, {forward: typeof forward, ledger: typeof ledger}>} */
const remembered = {};
const pinned = remember(forward);

/** @param {string} kind */
const memoryOf = (kind) => (remembered[kind] ??= { forward: remember(forward), ledger: remember(ledger) });

/**
 * What stands on the bench: the face as it is now, and each network with its answer.
 *
 * @param {Study} study
 * @param {State} state
 */
export function look(study, state) {
  const face = changed(state.picture?.face ?? study.faces[state.face], study.size, state.changes);
  const slots = Object.keys(study.kinds).map((kind, position) => slotOf(study, state, kind, position, face));
  return { face, slots, bound: logitBound(slots) };
}

/**
 * @param {Study} study @param {State} state @param {string} kind @param {number} position
 * @param {Float32Array} face @returns {Slot}
 */
function slotOf(study, state, kind, position, face) {
  const choice = choiceOf(study, state, kind);
  const entry = entryOf(study, state, choice.key);
  const network = networkOf(study, entry, choice);
  const memory = memoryOf(kind);
  const pass = memory.forward(network, face);
  const target = targetOf(pass);
  return {
    kind,
    title: entry.name ?? kind.toUpperCase(),
    colour: kind === "cnn" || position ? "second" : "first",
    choice,
    entry,
    network,
    pass,
    survey: steadied(study, entry, choice, network),
    trained: trainedOn(study, entry, choice),
    target,
    ledger: () => memory.ledger(network, pass, target),
  };
}

/** The faces that a choice was trained on. @param {Study} study @param {Entry} entry @param {Choice} choice */
function trainedOn(study, { fits, history }, { source, index }) {
  const fit = source === "fit" ? fits[index] : fits.find(({ seed }) => seed === history?.seed);
  return fit?.trained_on ?? study.training.faces ?? null;
}

/** A network's survey; through the epochs, the scales are also those of the last, so that they hardly move. */
/** @param {Study} study @param {Entry} entry @param {Choice} choice @param {Network} network @returns {Survey} */
function steadied(study, entry, choice, network) {
  const now = survey(study, network);
  if (choice.source === "fit") return now;
  const end = survey(study, networkOf(study, entry, { source: "epoch", index: epochsOf(entry) }));
  return {
    ...now,
    logits: [...now.logits, ...end.logits],
    limits: now.limits.map((limit, layer) => Math.max(limit, end.limits[layer])),
    term: Math.max(now.term, end.term),
  };
}

/** The end of the logits' common axis: a round number beyond every plain face's logit. @param {Slot[]} slots */
function logitBound(slots) {
  const most = Math.max(...slots.flatMap(({ survey: { logits } }) => logits.map(largest)));
  const power = 10 ** Math.floor(Math.log10(Math.max(most, 0.1)));
  return [1, 2, 5, 10].map((step) => step * power).find((end) => end >= most) ?? most;
}

/** Run the face that a pin names: the one on the bench as it stands there, any other as it is. */
/** @param {Study} study @param {State} state @param {Slot} slot @param {number} face */
export function passOfPin(study, state, slot, face) {
  return face === state.face ? slot.pass : pinned(slot.network, study.faces[face]);
}

/** @template A, B @param {Record<string, A>} record @param {(value: A) => B} make @returns {Record<string, B>} */
export function mapValues(record, make) {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, make(value)]));
}
