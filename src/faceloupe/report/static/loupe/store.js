/**
 * One state object for the whole loupe, and its text in the address: a view is a link.
 *
 * @typedef {{key: string, source: "fit" | "epoch", index: number}} Choice  A network, and one set of its weights.
 * @typedef {{filter: number, row: number, column: number}} Cell  Channels are counted from 0 here, from 1 in words.
 * @typedef {import("loupe/changes").Change} Change
 * @typedef {import("loupe/study").Study} Study
 * @typedef {import("loupe/study").Entry} Entry
 * @typedef {import("loupe/laboratory").Run} Run
 *
 * @typedef {object} Settings  For training here.
 * @property {string} sentence  Of the language of networks.
 * @property {number} seeds  How many.
 * @property {number} seed  The first.
 *
 * @typedef {object} State
 * @property {string} view
 * @property {number} face  Index in the study's faces.
 * @property {Change} changes
 * @property {Record<string, Choice>} choices  By kind, such as "fcnn" and "cnn".
 * @property {string} scope  The kind whose layers are looked at.
 * @property {number} layer  Which of its layers.
 * @property {Cell} cell  Under the cursor, in that layer's output.
 * @property {(Cell & {face: number}) | null} pin
 * @property {boolean} rectified  Maps are shown after the ReLU.
 * @property {Record<string, Cell>} term  Under the ledger's cursor, by kind.
 * @property {string} tool  What a pointer does on the face: "look", "cover", "dark" or "bright".
 * @property {{row: number, column: number}} brush
 * @property {Settings} settings
 * @property {{name: string, face: Float32Array} | null} picture  The reader's own; never in a link.
 * @property {Record<string, Entry>} own  Networks trained here, by key; a link trains them again.
 * @property {Run[]} runs  The trainings behind them, the newest last.
 * @property {boolean} playing
 * @property {string} problem  What went wrong with a picture, in words.
 * @property {string} book  The kind whose ledger the cursor was last in.
 * @property {string} copied  What was copied last.
 */

import { UNCHANGED } from "loupe/changes";
import { CNN_SENTENCE } from "loupe/language";
import { openingChoices } from "loupe/study";

export const VIEWS = [
  "face",
  "layers",
  "convolution",
  "microscope",
  "pooling",
  "ledger",
  "time",
  "seeds",
  "laboratory",
];

/**
 * The least, the most and the step of each slider.
 *
 * @type {Record<"dx" | "dy" | "degrees" | "zoom" | "brightness" | "blur", [number, number, number]>}
 */
export const RANGES = {
  dx: [-16, 16, 1],
  dy: [-16, 16, 1],
  degrees: [-45, 45, 1],
  zoom: [0.5, 2, 0.05],
  brightness: [-0.5, 0.5, 0.02],
  blur: [0, 4, 0.1],
};

const MOST_STROKES = 600; // about 6 kB of address
const MOST_SEEDS = 32;
const MOST_LETTERS = 400; // of a sentence in a link

/** @param {Study} study @returns {State} */
export function initialState(study) {
  const kinds = Object.keys(study.kinds);
  const [rows, columns] = study.size;
  const middle = { row: Math.floor(rows / 2), column: Math.floor(columns / 2) };
  const { epochs } = study.training;
  return {
    view: "face",
    face: study.opening,
    changes: UNCHANGED,
    choices: openingChoices(study),
    scope: kinds[kinds.length - 1],
    layer: 0,
    cell: { filter: 0, row: middle.row - 4, column: middle.column - 4 },
    pin: null,
    rectified: false,
    term: Object.fromEntries(kinds.map((kind) => [kind, { filter: 0, row: 4, column: 4 }])),
    tool: "look",
    brush: middle,
    settings: { sentence: `${CNN_SENTENCE}; epochs ${epochs}, preprocess centre`, seeds: 4, seed: 0 },
    picture: null,
    own: {},
    runs: [],
    playing: false,
    problem: "",
    book: "",
    copied: "",
  };
}

/**
 * Keep a state, and tell a listener once a frame that it changed.
 *
 * @param {State} state
 * @param {(state: State) => void} listener
 */
export function createStore(state, listener) {
  let scheduled = false;
  return {
    get state() {
      return state;
    },
    /** @param {Partial<State> | ((state: State) => Partial<State>)} patch */
    update(patch) {
      state = { ...state, ...(typeof patch === "function" ? patch(state) : patch) };
      if (scheduled) return;
      scheduled = true;
      requestAnimationFrame(() => {
        scheduled = false;
        listener(state);
      });
    },
  };
}

/** @typedef {ReturnType<typeof createStore>} Store */

const PREFIX = "#loupe?";
/** @param {Cell} cell */
const cellText = ({ filter, row, column }) => [filter, row, column].join(".");
/** @param {Choice} choice */
const choiceText = ({ key, source, index }) => [key, source, index].join(".");

/**
 * Return what is shown as plain values by the names of a link: text, and numbers where one number says it.
 *
 * @param {State} state
 */
export function stateOf(state) {
  const numbers = ["face", "layer", ...Object.keys(RANGES)];
  return Object.fromEntries(
    Object.entries(written(state)).map(([name, text]) => [name, numbers.includes(name) ? Number(text) : text]),
  );
}

/**
 * Read such values; what makes no sense is as at the start.
 *
 * @param {Record<string, string | number>} values @param {State} start @param {Study} study
 */
export function readState(values, start, study) {
  const pairs = Object.entries(values).map(([name, value]) => [name, String(value)]);
  return fromLink(new URLSearchParams(pairs), start, study);
}

/**
 * Write what differs from the state at the start as the fragment of an address.
 *
 * @param {State} state
 * @param {State} start
 */
export function toHash(state, start) {
  const [now, before] = [written(state), written(start)];
  const pairs = Object.entries(now).filter(([name, text]) => text !== before[name]);
  return pairs.length ? PREFIX + new URLSearchParams(pairs) : "";
}

/** @param {State} state @returns {Record<string, string>} */
function written(state) {
  const { occluder, strokes, ...numbers } = state.changes;
  return {
    view: state.view,
    face: String(state.face),
    ...Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, String(value)])),
    cover: occluder ? [occluder.row, occluder.column, occluder.side].join(".") : "",
    ink: strokes.map(({ row, column, value, radius }) => [row, column, value, radius].join(".")).join("_"),
    ...Object.fromEntries(Object.entries(state.choices).map(([kind, choice]) => [`on-${kind}`, choiceText(choice)])),
    scope: state.scope,
    layer: String(state.layer),
    cell: cellText(state.cell),
    pin: state.pin ? `${cellText(state.pin)}.${state.pin.face}` : "",
    relu: state.rectified ? "after" : "before",
    terms: Object.values(state.term).map(cellText).join("_"),
    network: state.settings.sentence,
    seeds: `${state.settings.seeds}.${state.settings.seed}`,
  };
}

/**
 * Read such a fragment onto the state at the start; what makes no sense there is left out.
 *
 * @param {string} hash
 * @param {State} start
 * @param {Study} study
 * @returns {State | null}  Null if the fragment is none of the loupe's.
 */
export function fromHash(hash, start, study) {
  return hash.startsWith(PREFIX) ? fromLink(new URLSearchParams(hash.slice(PREFIX.length)), start, study) : null;
}

/** @param {URLSearchParams} read @param {State} start @param {Study} study @returns {State} */
function fromLink(read, start, study) {
  const has = (/** @type {string} */ name) => read.get(name) || undefined;
  const face = Number(has("face"));
  const pin = integers(has("pin"), 4);
  const seeds = integers(has("seeds"), 2);
  const view = has("view") ?? "";
  return {
    ...start,
    view: VIEWS.includes(view) ? view : start.view,
    face: face in study.faces ? face : start.face,
    changes: readChanges(has, study.size),
    choices: Object.fromEntries(
      Object.keys(start.choices).map((kind) => [kind, readChoice(has(`on-${kind}`)) ?? start.choices[kind]]),
    ),
    scope: Object.keys(start.choices).find((kind) => kind === has("scope")) ?? start.scope,
    layer: integers(has("layer"), 1)?.[0] ?? start.layer,
    cell: readCell(has("cell")) ?? start.cell,
    pin: pin && pin[3] in study.faces ? { filter: pin[0], row: pin[1], column: pin[2], face: pin[3] } : null,
    rectified: has("relu") === "after",
    term: readTerms(has("terms"), start.term),
    settings: checkedSettings({
      sentence: has("network") ?? start.settings.sentence,
      seeds: seeds?.[0] ?? start.settings.seeds,
      seed: seeds?.[1] ?? start.settings.seed,
    }),
  };
}

/** @param {(name: string) => string | undefined} has @param {[number, number]} size @returns {Change} */
function readChanges(has, size) {
  const ranges = /** @type {[keyof typeof RANGES, [number, number, number]][]} */ (Object.entries(RANGES));
  const numbers = ranges.map(([name, [least, most]]) => {
    const value = Number(has(name) ?? UNCHANGED[name]);
    return [name, Number.isFinite(value) ? clamp(value, least, most) : UNCHANGED[name]];
  });
  const cover = integers(has("cover"), 3);
  const strokes = (has("ink") ?? "").split("_").flatMap((text) => {
    const numbersOf = integers(text, 4);
    return numbersOf ? [numbersOf] : [];
  });
  return {
    ...UNCHANGED,
    ...Object.fromEntries(numbers),
    occluder: cover && occluderAt(cover[0], cover[1], clamp(cover[2], 1, Math.min(...size)), size),
    strokes: strokes.slice(0, MOST_STROKES).map(([row, column, value, radius]) => ({
      row,
      column,
      value: value && 1,
      radius: clamp(radius, 1, 8),
    })),
  };
}

/** @param {string | undefined} text @returns {Choice | undefined} */
function readChoice(text) {
  const [, key, source, index] = /^([a-z0-9]+\/[a-z0-9-]+)\.(fit|epoch)\.(\d+)$/.exec(text ?? "") ?? [];
  return key ? { key, source: source === "fit" ? "fit" : "epoch", index: Number(index) } : undefined;
}

/** @param {string | undefined} text @returns {Cell | undefined} */
function readCell(text) {
  const [filter, row, column] = integers(text, 3) ?? [];
  return column === undefined ? undefined : { filter, row, column };
}

/** @param {string | undefined} text @param {Record<string, Cell>} terms */
function readTerms(text, terms) {
  const cells = (text ?? "").split("_").map(readCell);
  return Object.fromEntries(Object.keys(terms).map((kind, index) => [kind, cells[index] ?? terms[kind]]));
}

/** @param {Settings} settings @returns {Settings} */
export function checkedSettings({ sentence, seeds, seed }) {
  return {
    sentence: sentence.slice(0, MOST_LETTERS),
    seeds: clamp(Math.round(seeds) || 1, 1, MOST_SEEDS),
    seed: clamp(Math.round(seed) || 0, 0, 9999),
  };
}

/**
 * Return so many numbers as "3.0.12" holds them, all 0 or more, or nothing.
 *
 * @param {string | undefined} text @param {number} count
 */
function integers(text, count) {
  const parts = (text ?? "").split(".");
  return parts.length === count && parts.every((part) => /^\d{1,4}$/.test(part)) ? parts.map(Number) : null;
}

/** @param {number} value @param {number} least @param {number} most */
export function clamp(value, least, most) {
  return Math.min(Math.max(value, least), most);
}

/**
 * Return a square of a face's pixels that lies within it.
 *
 * @param {number} row @param {number} column @param {number} side @param {[number, number]} size
 */
export function occluderAt(row, column, side, [height, width]) {
  return { row: clamp(row, 0, height - side), column: clamp(column, 0, width - side), side };
}

/**
 * Add a stroke, but not the same one twice in a row.
 *
 * @param {Change} changes @param {Change["strokes"][number]} stroke @returns {Change}
 */
export function withStroke(changes, stroke) {
  const last = changes.strokes.at(-1);
  const same =
    last &&
    last.row === stroke.row &&
    last.column === stroke.column &&
    last.value === stroke.value &&
    last.radius === stroke.radius;
  return same || changes.strokes.length >= MOST_STROKES
    ? changes
    : { ...changes, strokes: [...changes.strokes, stroke] };
}
