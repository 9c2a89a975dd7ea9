/**
 * A map of numbers as a picture that can be walked through: by pointer, touch or arrow keys.
 *
 * @typedef {{row: number, column: number}} Place
 * @typedef {[number, number]} Shape
 * @typedef {(cell: Place, event: {pressed: boolean}) => void} Mover
 * @typedef {{row: number, column: number, rows: number, columns: number, kind: string}} Mark
 */

import { html, useLayoutEffect, useRef } from "preact-htm";
import { paint } from "loupe/draw";
import { clamp } from "loupe/store";

/**
 * @param {object} props
 * @param {ArrayLike<number>} props.values
 * @param {number} [props.offset]  Where the map begins in `values`.
 * @param {Shape} props.shape
 * @param {import("loupe/draw").Scale} props.scale
 * @param {string} props.label
 * @param {(Place & {quiet?: boolean}) | null} [props.cursor]
 * @param {Mover} [props.onMove]  Makes the map a stop of the keyboard.
 * @param {() => void} [props.onPin]
 * @param {Mark[]} [props.marks]
 * @param {boolean} [props.dead]
 * @param {boolean} [props.held]  The pointer moves the cursor only while it is down.
 * @param {number} [props.upTo]  Numbers from this one on are not drawn yet.
 * @param {string} [props.class]
 */
export function Heat({
  values,
  offset = 0,
  shape,
  scale,
  label,
  cursor,
  onMove,
  onPin,
  marks = [],
  dead,
  held,
  upTo,
  class: name = "",
}) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const here = useRef(cursor);
  here.current = cursor; // and keys move it on, should several come within one frame
  useLayoutEffect(() => {
    if (canvas.current) paint(canvas.current, values, shape, scale, offset, upTo);
  }, [values, offset, shape[0], shape[1], scale.kind, scale.limit, scale.rectified, upTo]);
  const [rows, columns] = shape;
  const boxes = cursor
    ? [...marks, { ...cursor, rows: 1, columns: 1, kind: cursor.quiet ? "cursor quiet" : "cursor" }]
    : marks;
  return html`<div class="map ${name} ${onMove ? "live" : ""}" style=${{ aspectRatio: `${columns} / ${rows}` }}
    ...${role(label, onMove)} ...${onMove && handlers(shape, here, onMove, onPin, held)}>
    <canvas ref=${canvas} aria-hidden="true"></canvas>
    ${dead && html`<span class="hatch"></span>`}
    ${boxes.map((box) => html`<span class="mark ${box.kind}" style=${boxStyle(box, shape)}></span>`)}
  </div>`;
}

/** @param {string} label @param {Mover | undefined} onMove */
function role(label, onMove) {
  const walked = { role: "application", tabIndex: 0, "aria-roledescription": "map, walk with the arrow keys" };
  return { "aria-label": label, ...(onMove ? walked : { role: "img" }) };
}

/** @param {Omit<Mark, "kind">} box @param {Shape} shape */
function boxStyle({ row, column, rows, columns }, [height, width]) {
  const share = (/** @type {number} */ part, /** @type {number} */ whole) => `${(100 * part) / whole}%`;
  return {
    top: share(row, height),
    left: share(column, width),
    height: share(rows, height),
    width: share(columns, width),
  };
}

/**
 * @param {Shape} shape @param {{current: Place | null | undefined}} here @param {Mover} onMove
 * @param {(() => void) | undefined} onPin @param {boolean | undefined} held
 */
function handlers(shape, here, onMove, onPin, held) {
  const point = (/** @type {PointerEvent} */ event, /** @type {boolean} */ pressed) =>
    onMove(cellUnder(event, shape), { pressed });
  return {
    onPointerDown: (/** @type {PointerEvent} */ event) => {
      /** @type {HTMLElement} */ (event.currentTarget).setPointerCapture(event.pointerId);
      point(event, true);
    },
    onPointerMove: (/** @type {PointerEvent} */ event) => {
      if (event.buttons || !held) point(event, event.buttons > 0);
    },
    onClick: (/** @type {PointerEvent} */ event) => {
      if (!held && event.pointerType !== "touch") onPin?.(); // a touch only aims
    },
    onKeyDown: (/** @type {KeyboardEvent} */ event) => onKey(event, shape, here, onMove, onPin),
  };
}

/** @param {PointerEvent} event @param {Shape} shape */
function cellUnder(event, [rows, columns]) {
  const box = /** @type {HTMLElement} */ (event.currentTarget).getBoundingClientRect();
  return {
    row: clamp(Math.floor(((event.clientY - box.top) / box.height) * rows), 0, rows - 1),
    column: clamp(Math.floor(((event.clientX - box.left) / box.width) * columns), 0, columns - 1),
  };
}

/**
 * @param {KeyboardEvent} event @param {Shape} shape @param {{current: Place | null | undefined}} here
 * @param {Mover} onMove @param {(() => void) | undefined} onPin
 */
function onKey(event, shape, here, onMove, onPin) {
  const next = step(event.key, here.current ?? { row: 0, column: 0 }, shape, event.shiftKey ? 8 : 1);
  if (next) onMove((here.current = next), { pressed: false });
  else if (event.key === "Enter" || event.key === " ") onPin?.();
  else if (event.key === "Escape") /** @type {HTMLElement} */ (event.currentTarget).blur();
  else return;
  event.preventDefault();
}

/**
 * Where a key leads from a cell: arrows by one, Home and End along the row, Page Up and Page Down along the column.
 *
 * @param {string} key
 * @param {Place} cell
 * @param {Shape} shape
 */
export function step(key, { row, column }, [rows, columns], by = 1) {
  /** @type {Record<string, [number, number]>} */
  const moves = {
    ArrowUp: [row - by, column],
    ArrowDown: [row + by, column],
    ArrowLeft: [row, column - by],
    ArrowRight: [row, column + by],
    Home: [row, 0],
    End: [row, columns - 1],
    PageUp: [0, column],
    PageDown: [rows - 1, column],
  };
  const to = moves[key];
  return to && { row: clamp(to[0], 0, rows - 1), column: clamp(to[1], 0, columns - 1) };
}

/**
 * Keep a cell within the maps that there are.
 *
 * @param {import("loupe/store").Cell} cell @param {number} filters @param {Shape} shape
 */
export function within({ filter, row, column }, filters, [rows, columns]) {
  return {
    filter: clamp(filter, 0, Math.max(filters - 1, 0)),
    row: clamp(row, 0, rows - 1),
    column: clamp(column, 0, columns - 1),
  };
}

const STEPS = 129;

/**
 * The scale below maps: its ends, and zero between them, or from zero on after a ReLU.
 *
 * @param {{limit: number, unit: string, rectified?: boolean}} props
 */
export function Ramp({ limit, unit, rectified }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  useLayoutEffect(() => {
    const shares = Float32Array.from({ length: STEPS }, (_, index) =>
      rectified ? index / (STEPS - 1) : (2 * index) / (STEPS - 1) - 1,
    );
    if (canvas.current) paint(canvas.current, shares, [1, STEPS], { kind: "diverging", limit: 1 });
  }, [rectified]);
  const end = Number(limit.toPrecision(2));
  return html`<div class="ramp-row"><div class="ramp"><canvas ref=${canvas} aria-hidden="true"></canvas>
    <div class="ends">${!rectified && html`<span>−${end}</span>`}<span>0</span><span>+${end}</span></div></div>
      <span class="unit">${unit}</span></div>`;
}
