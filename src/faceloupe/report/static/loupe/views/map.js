/** A map of numbers as a picture that can be walked through: by pointer, touch or arrow keys. */

import { html, useLayoutEffect, useRef } from "preact-htm";
import { paint } from "loupe/draw";
import { clamp } from "loupe/store";

/**
 * @param {object} props
 * @param {ArrayLike<number>} props.values
 * @param {number} [props.offset]  Where the map begins in `values`.
 * @param {[number, number]} props.shape
 * @param {import("loupe/draw").Scale} props.scale
 * @param {string} props.label
 * @param {{row: number, column: number, quiet?: boolean} | null} [props.cursor]
 * @param {(cell: {row: number, column: number}, event: {pressed: boolean}) => void} [props.onMove]  Makes the map a
 *   stop of the keyboard.
 * @param {() => void} [props.onPin]
 * @param {{row: number, column: number, rows: number, columns: number, kind: string}[]} [props.marks]
 * @param {boolean} [props.dead]
 * @param {boolean} [props.held]  The pointer moves the cursor only while it is down.
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
  class: name = "",
}) {
  const canvas = useRef(null);
  const here = useRef(null);
  here.current = cursor; // and keys move it on, should several come within one frame
  useLayoutEffect(() => {
    paint(canvas.current, values, shape, scale, offset);
  }, [values, offset, shape[0], shape[1], scale.kind, scale.limit, scale.rectified]);
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

function role(label, onMove) {
  const walked = { role: "application", tabIndex: 0, "aria-roledescription": "map, walk with the arrow keys" };
  return { "aria-label": label, ...(onMove ? walked : { role: "img" }) };
}

function boxStyle({ row, column, rows, columns }, [height, width]) {
  const share = (part, whole) => `${(100 * part) / whole}%`;
  return {
    top: share(row, height),
    left: share(column, width),
    height: share(rows, height),
    width: share(columns, width),
  };
}

function handlers(shape, here, onMove, onPin, held) {
  const point = (event, pressed) => onMove(cellUnder(event, shape), { pressed });
  return {
    onPointerDown: (event) => {
      event.currentTarget.setPointerCapture(event.pointerId);
      point(event, true);
    },
    onPointerMove: (event) => (event.buttons || !held) && point(event, event.buttons > 0),
    onClick: (event) => !held && event.pointerType !== "touch" && onPin?.(), // a touch only aims
    onKeyDown: (event) => onKey(event, shape, here, onMove, onPin),
  };
}

function cellUnder(event, [rows, columns]) {
  const box = event.currentTarget.getBoundingClientRect();
  const cell = (part, whole, cells) => clamp(Math.floor((part / whole) * cells), 0, cells - 1);
  return {
    row: cell(event.clientY - box.top, box.height, rows),
    column: cell(event.clientX - box.left, box.width, columns),
  };
}

function onKey(event, shape, here, onMove, onPin) {
  const next = step(event.key, here.current, shape, event.shiftKey ? 8 : 1);
  if (next) onMove((here.current = next), { pressed: false });
  else if (event.key === "Enter" || event.key === " ") onPin?.();
  else if (event.key === "Escape") event.currentTarget.blur();
  else return;
  event.preventDefault();
}

/**
 * Where a key leads from a cell: arrows by one, Home and End along the row, Page Up and Page Down along the column.
 *
 * @param {string} key
 * @param {{row: number, column: number}} cell
 * @param {[number, number]} shape
 */
export function step(key, { row, column }, [rows, columns], by = 1) {
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

/** Keep a cell within the maps that there are. */
export function within({ filter, row, column }, filters, [rows, columns]) {
  return {
    filter: clamp(filter, 0, Math.max(filters - 1, 0)),
    row: clamp(row, 0, rows - 1),
    column: clamp(column, 0, columns - 1),
  };
}

/** The scale below maps: its ends, and zero between them, or from zero on after a ReLU. */
export function Ramp({ limit, unit, rectified }) {
  const canvas = useRef(null);
  const steps = 129;
  useLayoutEffect(() => {
    paint(
      canvas.current,
      Float32Array.from({ length: steps }, (_, index) =>
        rectified ? index / (steps - 1) : (2 * index) / (steps - 1) - 1,
      ),
      [1, steps],
      { kind: "diverging", limit: 1 },
    );
  }, [rectified]);
  const end = Number(limit.toPrecision(2));
  return html`<div class="ramp-row"><div class="ramp"><canvas ref=${canvas} aria-hidden="true"></canvas>
    <div class="ends">${!rectified && html`<span>−${end}</span>`}<span>0</span><span>+${end}</span></div></div>
      <span class="unit">${unit}</span></div>`;
}
