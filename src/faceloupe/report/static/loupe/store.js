/**
 * One state object for the whole loupe, and its text in the address: a view is a link.
 *
 * @typedef {{key: string, source: "fit" | "epoch", index: number}} Choice  A network, and one set of its weights.
 * @typedef {{filter: number, row: number, column: number}} Cell
 * @typedef {import("loupe/changes").Change} Change
 * @typedef {{kind: "fcnn" | "cnn", preprocess: string, rate: number, epochs: number, seed: number}} Settings
 *
 * @typedef {object} State
 * @property {string} view
 * @property {number} face  Index in the study's faces.
 * @property {Change} changes
 * @property {Record<string, Choice>} choices  By kind, "fcnn" and "cnn".
 * @property {Cell} cell  Under the microscope, in the convolution's maps.
 * @property {(Cell & {face: number}) | null} pin
 * @property {boolean} rectified  Maps are shown after the ReLU.
 * @property {Cell} window  Under the pooling inspector, in the pooled maps.
 * @property {Record<string, Cell>} term  Under the ledger's cursor, by kind.
 * @property {string} tool  What a pointer does on the face: "look", "cover", "dark" or "bright".
 * @property {{row: number, column: number}} brush
 * @property {Settings} settings  For training here.
 * @property {{name: string, face: Float32Array} | null} picture  The reader's own; never in a link.
 * @property {Record<string, object>} own  Networks trained here, by kind; a link trains them again.
 * @property {object | null} run  Training in progress.
 * @property {boolean} playing
 * @property {string} [problem]  What went wrong with a picture, in words.
 * @property {string} [book]  The kind whose ledger the cursor was last in.
 * @property {string} [copied]  The link that was copied last.
 */

import { UNCHANGED } from "loupe/changes";

export const VIEWS = ["face", "microscope", "pooling", "ledger", "time", "seeds", "train"];

/** The least, the most and the step of each slider. */
export const RANGES = {
  dx: [-16, 16, 1],
  dy: [-16, 16, 1],
  degrees: [-45, 45, 1],
  zoom: [0.5, 2, 0.05],
  brightness: [-0.5, 0.5, 0.02],
  blur: [0, 4, 0.1],
};

const MOST_STROKES = 600; // about 6 kB of address

/**
 * @param {ReturnType<import("loupe/study").readStudy>} study
 * @returns {State}
 */
export function initialState(study) {
  const kinds = Object.keys(study.kinds);
  const [rows, columns] = study.size;
  const middle = { row: Math.floor(rows / 2), column: Math.floor(columns / 2) };
  return {
    view: "face",
    face: 0,
    changes: UNCHANGED,
    choices: Object.fromEntries(kinds.map((kind) => [kind, { key: study.kinds[kind][0], source: "fit", index: 0 }])),
    cell: { filter: 0, row: middle.row - 4, column: middle.column - 4 },
    pin: null,
    rectified: false,
    window: { filter: 0, row: 4, column: 4 },
    term: { fcnn: { filter: 0, ...middle }, cnn: { filter: 0, row: 4, column: 4 } },
    tool: "look",
    brush: middle,
    settings: {
      kind: kinds.at(-1),
      preprocess: "none",
      rate: study.training.learning_rate,
      epochs: study.training.epochs,
      seed: 0,
    },
    picture: null,
    own: {},
    run: null,
    playing: false,
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

const PREFIX = "#loupe?";
const cellText = ({ filter, row, column }) => [filter, row, column].join(".");
const choiceText = ({ key, source, index }) => [key, source, index].join(".");

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

function written(state) {
  const { occluder, strokes, ...numbers } = state.changes;
  return {
    view: state.view,
    face: String(state.face),
    ...Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, String(value)])),
    cover: occluder ? [occluder.row, occluder.column, occluder.side].join(".") : "",
    ink: strokes.map(({ row, column, value, radius }) => [row, column, value, radius].join(".")).join("_"),
    ...Object.fromEntries(Object.entries(state.choices).map(([kind, choice]) => [kind, choiceText(choice)])),
    cell: cellText(state.cell),
    pin: state.pin ? `${cellText(state.pin)}.${state.pin.face}` : "",
    relu: state.rectified ? "after" : "before",
    window: cellText(state.window),
    terms: Object.values(state.term).map(cellText).join("_"),
    train: Object.values(state.settings).join("_"),
  };
}

/**
 * Read such a fragment onto the state at the start; what makes no sense there is left out.
 *
 * @param {string} hash
 * @param {State} start
 * @param {ReturnType<import("loupe/study").readStudy>} study
 * @returns {State | null}  Null if the fragment is none of the loupe's.
 */
export function fromHash(hash, start, study) {
  if (!hash.startsWith(PREFIX)) return null;
  const read = new URLSearchParams(hash.slice(PREFIX.length));
  const has = (name) => read.get(name) || undefined;
  const face = Number(has("face"));
  const pin = integers(has("pin"), 4);
  return {
    ...start,
    view: VIEWS.includes(has("view")) ? has("view") : start.view,
    face: face in study.faces ? face : 0,
    changes: readChanges(has, study.size),
    choices: Object.fromEntries(
      Object.keys(start.choices).map((kind) => [kind, readChoice(has(kind)) ?? start.choices[kind]]),
    ),
    cell: readCell(has("cell")) ?? start.cell,
    pin: pin && pin[3] in study.faces ? { ...readCell(has("pin")), face: pin[3] } : null,
    rectified: has("relu") === "after",
    window: readCell(has("window")) ?? start.window,
    term: readTerms(has("terms"), start.term),
    settings: readSettings(has("train"), start.settings),
  };
}

function readChanges(has, size) {
  const numbers = Object.entries(RANGES).map(([name, [least, most]]) => {
    const value = Number(has(name) ?? UNCHANGED[name]);
    return [name, Number.isFinite(value) ? clamp(value, least, most) : UNCHANGED[name]];
  });
  const cover = integers(has("cover"), 3);
  const strokes = (has("ink") ?? "")
    .split("_")
    .map((text) => integers(text, 4))
    .filter(Boolean)
    .slice(0, MOST_STROKES);
  return {
    ...UNCHANGED,
    ...Object.fromEntries(numbers),
    occluder: cover && occluderAt(cover[0], cover[1], clamp(cover[2], 1, Math.min(...size)), size),
    strokes: strokes.map(([row, column, value, radius]) => ({
      row,
      column,
      value: value && 1,
      radius: clamp(radius, 1, 8),
    })),
  };
}

function readChoice(text) {
  const [, key, source, index] = /^([a-z]+\/[a-z]+)\.(fit|epoch)\.(\d+)$/.exec(text ?? "") ?? [];
  return key && { key, source, index: Number(index) };
}

function readCell(text) {
  const [filter, row, column] = integers(text) ?? [];
  return column === undefined ? undefined : { filter, row, column };
}

function readTerms(text, terms) {
  const cells = (text ?? "").split("_").map(readCell);
  return Object.fromEntries(Object.keys(terms).map((kind, index) => [kind, cells[index] ?? terms[kind]]));
}

function readSettings(text, start) {
  const [kind, preprocess, rate, epochs, seed] = (text ?? "").split("_");
  const known = ["fcnn", "cnn"].includes(kind) && ["none", "centre"].includes(preprocess);
  return known
    ? checkedSettings({ kind, preprocess, rate: Number(rate), epochs: Number(epochs), seed: Number(seed) })
    : start;
}

/** @param {Settings} settings */
export function checkedSettings({ kind, preprocess, rate, epochs, seed }) {
  return {
    kind,
    preprocess,
    rate: clamp(rate || 0.001, 1e-5, 1),
    epochs: clamp(Math.round(epochs) || 1, 1, 200),
    seed: clamp(Math.round(seed) || 0, 0, 2 ** 31 - 1),
  };
}

/** Return numbers as "3.0.12" holds them, all 0 or more, or nothing. */
function integers(text, count) {
  const parts = (text ?? "").split(".");
  const good = parts.every((part) => /^\d{1,4}$/.test(part)) && (count === undefined || parts.length === count);
  return good ? parts.map(Number) : null;
}

/** @param {number} value @param {number} least @param {number} most */
export function clamp(value, least, most) {
  return Math.min(Math.max(value, least), most);
}

/** Return a square of a face's pixels that lies within it. */
export function occluderAt(row, column, side, [height, width]) {
  return { row: clamp(row, 0, height - side), column: clamp(column, 0, width - side), side };
}

/** Add a stroke, but not the same one twice in a row. */
export function withStroke(changes, stroke) {
  const last = changes.strokes.at(-1);
  const same = last && Object.keys(stroke).every((name) => stroke[name] === last[name]);
  return same || changes.strokes.length >= MOST_STROKES
    ? changes
    : { ...changes, strokes: [...changes.strokes, stroke] };
}
