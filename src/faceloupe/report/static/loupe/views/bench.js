/**
 * The bench: the face as it is now, which face it is, and what both networks answer.
 *
 * @typedef {import("loupe/views/app").Loupe} Loupe
 * @typedef {import("loupe/study").Slot} Slot
 * @typedef {import("loupe/study").Study} Study
 * @typedef {import("loupe/views/map").Place} Place
 */

import { html, useLayoutEffect, useMemo, useRef } from "preact-htm";
import { paint } from "loupe/draw";
import { decide } from "loupe/network";
import { deadChoice, entryOf, keysOf } from "loupe/study";
import { clamp, occluderAt, withStroke } from "loupe/store";
import { Heat } from "loupe/views/map";
import { Choice, valueOf } from "loupe/views/parts";
import { scopeOf } from "loupe/views/scope";
import { faceName, isDead, percent, provenance, signed } from "loupe/words";

/** @type {import("loupe/draw").Scale} */
const PHOTOGRAPH = { kind: "photograph" };

/** @param {{loupe: Loupe}} props */
export function Bench({ loupe }) {
  const { study, state, bench } = loupe;
  return html`<div class="bench">
    <div class="easel">
      <${Face} loupe=${loupe} />
      <p class="caption">${nameOf(study, state)}</p>
    </div>
    <div class="answers">${bench.slots.map(
      (slot) => html`<${Answer} key=${slot.kind} loupe=${loupe} slot=${slot} />`,
    )}</div>
    <${Faces} loupe=${loupe} />
  </div>`;
}

/** @param {Study} study @param {Loupe["state"]} state */
const nameOf = (study, { face, picture }) => (picture ? `Your picture, ${picture.name}` : faceName(study, face));

/** @param {{loupe: Loupe}} props */
function Face({ loupe }) {
  const { study, state, bench } = loupe;
  const { marks, cursor, label, ...use } = useOfFace(loupe);
  return html`<${Heat} ...${use} class="face ${use.class}" values=${bench.face} shape=${study.size} scale=${PHOTOGRAPH}
    label=${label(nameOf(study, state))} marks=${marks} cursor=${cursor} />`;
}

/**
 * What the pointer and the keys do on the face in this view and with this tool.
 *
 * @typedef {object} Use
 * @property {string} class
 * @property {(name: string) => string} label
 * @property {import("loupe/views/map").Mark[]} marks
 * @property {Place | null} cursor
 * @property {import("loupe/views/map").Mover} [onMove]
 * @property {() => void} [onPin]
 * @property {boolean} [held]
 *
 * @param {Loupe} loupe
 * @returns {Use}
 */
function useOfFace(loupe) {
  const { state } = loupe;
  if (state.view === "microscope") return microscopeUse(loupe);
  if (state.view !== "face" || state.tool === "look") return LOOK;
  return state.tool === "cover" ? coverUse(loupe) : brushUse(loupe);
}

/** @type {Use} */
const LOOK = { class: "", label: (name) => name, marks: [], cursor: null };

/** The patch under the microscope, where it is one of the face. @param {Loupe} loupe @returns {Use} */
function microscopeUse(loupe) {
  const scope = scopeOf(loupe, "convolution");
  if (scope?.layer.kind !== "convolution" || scope.layer.input[0] !== 1) return LOOK;
  const { layer, cell, shape } = scope;
  const { state, update } = loupe;
  const [rows, columns] = layer.kernel;
  const corner = (/** @type {Place} */ { row, column }) => ({
    row: row * layer.stride[0] - layer.padding[0],
    column: column * layer.stride[1] - layer.padding[1],
  });
  const under = corner(cell);
  const to = ({ row = 0, column = 0 }) => ({
    row: clamp(Math.round((row - Math.floor(rows / 2) + layer.padding[0]) / layer.stride[0]), 0, shape[0] - 1),
    column: clamp(Math.round((column - Math.floor(columns / 2) + layer.padding[1]) / layer.stride[1]), 0, shape[1] - 1),
  });
  const pin = state.pin?.face === state.face ? [{ ...corner(state.pin), rows, columns, kind: "pinned" }] : [];
  return {
    class: "aim",
    label: (name) => `${name}. The ${rows} by ${columns} patch under the microscope follows the cursor.`,
    marks: [...pin, { ...under, rows, columns, kind: "patch" }],
    cursor: { row: under.row + Math.floor(rows / 2), column: under.column + Math.floor(columns / 2) },
    onMove: (place) => update({ cell: { ...cell, ...to(place) } }),
    held: true,
  };
}

/** @param {Loupe} loupe @returns {Use} */
function coverUse({ study, state, update }) {
  const { occluder } = state.changes;
  const half = occluder ? Math.floor(occluder.side / 2) : 8;
  return {
    class: "aim draws",
    label: (name) => `${name}. Arrow keys move the square that covers it.`,
    marks: occluder ? [{ ...occluder, rows: occluder.side, columns: occluder.side, kind: "patch" }] : [],
    cursor: occluder
      ? { row: occluder.row + half, column: occluder.column + half }
      : { row: Math.floor(study.size[0] / 2), column: Math.floor(study.size[1] / 2) },
    onMove: ({ row, column }) =>
      update(({ changes }) => ({
        changes: {
          ...changes,
          occluder: occluderAt(row - half, column - half, changes.occluder?.side ?? 16, study.size),
        },
      })),
    held: true,
  };
}

/** @param {Loupe} loupe @returns {Use} */
function brushUse({ state, update }) {
  const value = state.tool === "bright" ? 1 : 0;
  const dab = (/** @type {Loupe["state"]} */ { changes }, /** @type {Place} */ at) => ({
    brush: at,
    changes: withStroke(changes, { ...at, value, radius: 2 }),
  });
  return {
    class: "aim draws",
    label: (name) => `${name}. Arrow keys move the brush, Enter paints.`,
    marks: [],
    cursor: state.brush,
    onMove: (to, { pressed }) => update((now) => (pressed ? dab(now, to) : { brush: to })),
    onPin: () => update((now) => dab(now, now.brush)),
    held: true,
  };
}

/**
 * Each face, and below it a mark a network: whether it was trained on this face, and whether it is right.
 *
 * @param {{loupe: Loupe}} props
 */
function Faces({ loupe }) {
  const { study, state, bench, update } = loupe;
  const key = bench.slots.map(({ network }) => network);
  const items = useMemo(
    () =>
      study.faces.map((face, index) => ({
        key: index,
        label: [faceName(study, index), ...bench.slots.map((slot) => markOf(study, slot, index).words)].join("; "),
        class: study.labels[index] % 2 ? "second" : "first",
        content: html`<${Thumb} face=${face} size=${study.size} /><span class="marks" aria-hidden="true">
          ${bench.slots
            .map((slot) => markOf(study, slot, index))
            .map(
              ({ sign, name }) => html`
                <span class=${name}>${sign}</span>`,
            )}</span>`,
      })),
    [study, ...key],
  );
  const choose = (/** @type {number} */ face) => update({ face, picture: null, problem: "" });
  return html`<div class="strip-of-faces"><${Choice} label="Face on the bench" class="faces" items=${items}
    chosen=${state.picture ? null : state.face} onChoose=${choose} />
    <p class="legend"><span>Below each face, ${bench.slots.map(({ title }) => title).join(" and ")}:</span>
      ${study.known && html`<span><b class="glyph">✓</b> right</span><span><b class="glyph">✗</b> wrong</span>`}
      ${
        bench.slots.some(({ trained }) => trained) &&
        html`<span><b class="glyph boxed">${study.known ? "✓" : "·"}</b> boxed: held out, else trained on</span>`
      }</p></div>`;
}

/** @param {Study} study @param {Slot} slot @param {number} index */
function markOf(study, slot, index) {
  const right = decide(slot.survey.logits[index]) === study.labels[index];
  const verdict = study.known ? [right ? "right" : "wrong"] : [];
  const heldOut = slot.trained && !slot.trained.includes(index);
  const seen = slot.trained ? [heldOut ? "held out" : "trained on it"] : [];
  return {
    sign: study.known ? (right ? "✓" : "✗") : "·",
    name: `glyph ${slot.colour} ${heldOut ? "boxed" : ""}`,
    words: `${slot.title} ${[...seen, ...verdict].join(", ")}`,
  };
}

/** A face in small. @param {{face: Float32Array, size: [number, number]}} props */
export function Thumb({ face, size }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  useLayoutEffect(() => {
    if (canvas.current) paint(canvas.current, face, size, PHOTOGRAPH);
  }, [face]);
  return html`<canvas ref=${canvas} aria-hidden="true"></canvas>`;
}

/** @param {{loupe: Loupe, slot: Slot}} props */
function Answer({ loupe, slot }) {
  const { study, state, bench } = loupe;
  const { kind, pass } = slot;
  const dead = isDead(slot);
  const said = decide(pass.logits);
  const right = state.picture || !study.known ? "" : study.labels[state.face] === said ? "right" : "wrong";
  const seen = slot.trained?.includes(state.face) ? "Trained on this face. " : "This face was held out. ";
  return html`<section class="answer ${kind} ${slot.colour} ${dead ? "dead" : ""}"
      aria-label=${`${slot.title}'s answer`}>
    <header><${Which} loupe=${loupe} slot=${slot} /><span class="from">${provenance(slot)}</span></header>
    ${
      pass.logits.length === 1
        ? html`<${Axis} people=${study.people} logit=${pass.logits[0]} bound=${bench.bound} />`
        : html`<${Likeliest} people=${study.people} probabilities=${pass.probabilities} />`
    }
    <dl>${pass.logits.length === 1 && html`<div><dt>Logit</dt><dd>${signed(pass.logits[0])}</dd></div>`}
      <div><dt>Decision</dt><dd>${study.people[said]}${right && html` <small>${right}</small>`}</dd></div>
      <div><dt>Its probability</dt><dd>${percent(pass.probabilities[said], 1)}</dd></div></dl>
    <p class="note">${state.picture || !slot.trained ? "" : seen}${
      dead ? "Dead: every face gets this answer, for a whole layer never speaks. " : ""
    }<${Beside} loupe=${loupe} slot=${slot} dead=${dead} /></p>
  </section>`;
}

/** A way to a dead network of the same kind, and back. @param {{loupe: Loupe, slot: Slot, dead: boolean}} props */
function Beside({ loupe: { study, start, update }, slot: { kind }, dead }) {
  const other = dead ? start.choices[kind] : deadChoice(study, kind);
  if (!other) return null;
  const go = () => update(({ choices }) => ({ choices: { ...choices, [kind]: other } }));
  return html`<button type="button" class="link" onClick=${go}>${dead ? "See one that lives" : "See a dead one"}
    </button>`;
}

/** @param {{loupe: Loupe, slot: Slot}} props */
function Which({ loupe: { study, state, update }, slot: { kind, title, choice } }) {
  const choose = (/** @type {string} */ key) =>
    update(({ choices }) => ({ choices: { ...choices, [kind]: { key, source: "fit", index: 0 } } }));
  return html`<select aria-label=${`Which network answers here, now ${title}`} value=${choice.key}
    onChange=${(/** @type {Event} */ event) => choose(valueOf(event))}>
    ${keysOf(study, state, kind).map(
      (key) => html`<option value=${key} selected=${key === choice.key}>${entryOf(study, state, key).label}</option>`,
    )}
  </select>`;
}

/** The logit on an axis that both networks share. @param {{people: string[], logit: number, bound: number}} props */
function Axis({ people, logit, bound }) {
  const share = clamp((logit / bound + 1) / 2, 0, 1);
  const digits = bound < 1 ? 1 : 0;
  return html`<div class="axis" aria-hidden="true">
    <div class="line"><span class="zero"></span><span class="reach"
      style=${{ left: `${100 * Math.min(share, 0.5)}%`, width: `${100 * Math.abs(share - 0.5)}%` }}></span>
      <span class="needle" style=${{ left: `${100 * share}%` }}></span></div>
    <div class="ends"><span>${signed(-bound, digits)} · ${people[0]}</span><span>0</span><span>
      ${people[1]} · ${signed(bound, digits)}</span></div>
  </div>`;
}

const MOST_SHOWN = 3;

/** The most probable of several people, as bars. @param {{people: string[], probabilities: number[]}} props */
function Likeliest({ people, probabilities }) {
  const order = probabilities.map((_, index) => index).sort((one, other) => probabilities[other] - probabilities[one]);
  return html`<ol class="likeliest">${order.slice(0, MOST_SHOWN).map(
    (index) => html`<li><span>${people[index]}</span><span class="bar"><span
      style=${{ width: `${100 * probabilities[index]}%` }}></span></span><span>${percent(probabilities[index])}</span>
      </li>`,
  )}</ol>`;
}
