/** The bench: the face as it is now, which face it is, and what both networks answer. */

import { html, useMemo, useRef, useLayoutEffect } from "preact-htm";
import { paint } from "loupe/draw";
import { keysOf, entryOf } from "loupe/study";
import { clamp, occluderAt, withStroke } from "loupe/store";
import { Heat } from "loupe/views/map";
import { Choice } from "loupe/views/parts";
import { decision, isDead, kindName, percent, provenance, signed } from "loupe/words";

const PHOTOGRAPH = { kind: "photograph" };

/** @param {{loupe: object}} props */
export function Bench({ loupe }) {
  const { study, state, bench } = loupe;
  return html`<div class="bench">
    <div class="easel">
      <${Face} loupe=${loupe} />
      <p class="caption">${faceName(study, state)}</p>
    </div>
    <div class="answers">${bench.slots.map((slot) => html`<${Answer} key=${slot.kind} loupe=${loupe} slot=${slot} />`)}
      </div>
    <${Faces} loupe=${loupe} />
  </div>`;
}

function faceName({ people, labels, subjects_known: known }, { face, picture }) {
  if (picture) return `Your picture, ${picture.name}`;
  return known ? `${people[labels[face]]}, face ${face + 1}` : `Face ${face + 1}`;
}

function Face({ loupe }) {
  const { study, state, bench } = loupe;
  const use = useOfFace(loupe);
  return html`<${Heat} class="face ${use.class}" values=${bench.face} shape=${study.size} scale=${PHOTOGRAPH}
    label=${use.label(faceName(study, state))} marks=${use.marks}
    cursor=${use.cursor} onMove=${use.onMove} onPin=${use.onPin} held=${use.held} />`;
}

/** What the pointer and the keys do on the face in this view and with this tool. */
function useOfFace(loupe) {
  const { state } = loupe;
  if (state.view === "microscope" && loupe.cnn) return microscopeUse(loupe);
  if (state.view !== "face" || state.tool === "look")
    return { class: "", label: (name) => name, marks: [], cursor: null };
  return state.tool === "cover" ? coverUse(loupe) : brushUse(loupe);
}

function microscopeUse({ state, cnn, update, cell }) {
  const [rows, columns] = cnn.network.kernel;
  const middle = { row: cell.row + Math.floor(rows / 2), column: cell.column + Math.floor(columns / 2) };
  const top = ({ row, column }) => ({
    row: clamp(row - Math.floor(rows / 2), 0, cnn.network.map[0] - 1),
    column: clamp(column - Math.floor(columns / 2), 0, cnn.network.map[1] - 1),
  });
  const pin = state.pin && state.pin.face === state.face ? [{ ...state.pin, rows, columns, kind: "pinned" }] : [];
  return {
    class: "aim",
    label: (name) => `${name}. The ${rows} by ${columns} patch under the microscope follows the cursor.`,
    marks: [...pin, { ...cell, rows, columns, kind: "patch" }],
    cursor: middle,
    onMove: (to) => update({ cell: { ...cell, ...top(to) } }),
    held: true,
  };
}

function coverUse({ study, state, update }) {
  const { occluder } = state.changes;
  const place = ({ row, column }) =>
    update(({ changes }) => ({
      changes: { ...changes, occluder: occluderAt(row, column, changes.occluder?.side ?? 16, study.size) },
    }));
  const half = occluder ? Math.floor(occluder.side / 2) : 8;
  const centre = occluder && { row: occluder.row + half, column: occluder.column + half };
  return {
    class: "aim draws",
    label: (name) => `${name}. Arrow keys move the square that covers it.`,
    marks: occluder ? [{ ...occluder, rows: occluder.side, columns: occluder.side, kind: "patch" }] : [],
    cursor: centre ?? { row: Math.floor(study.size[0] / 2), column: Math.floor(study.size[1] / 2) },
    onMove: ({ row, column }) => place({ row: row - half, column: column - half }),
    held: true,
  };
}

function brushUse({ state, update }) {
  const value = state.tool === "bright" ? 1 : 0;
  const dab = ({ changes }, at) => ({ brush: at, changes: withStroke(changes, { ...at, value, radius: 2 }) });
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

function Faces({ loupe }) {
  const { study, state, update } = loupe;
  const items = useMemo(
    () =>
      study.faces.map((face, index) => ({
        key: index,
        label: `${faceName(study, { face: index })}${study.heldOut.includes(index) ? ", held out" : ""}`,
        class: study.labels[index] ? "second" : "first",
        content: html`<${Thumb} face=${face} size=${study.size} />`,
      })),
    [study],
  );
  const choose = (face) => update({ face, picture: null, problem: "" });
  return html`<${Choice} label="Face on the bench" class="faces" items=${items}
    chosen=${state.picture ? null : state.face} onChoose=${choose} />`;
}

function Thumb({ face, size }) {
  const canvas = useRef(null);
  useLayoutEffect(() => paint(canvas.current, face, size, PHOTOGRAPH), [face]);
  return html`<canvas ref=${canvas} aria-hidden="true"></canvas>`;
}

function Answer({ loupe, slot }) {
  const { study, state, bench } = loupe;
  const { kind, pass } = slot;
  const dead = isDead(slot.survey);
  const said = decision(study.people, pass.logit);
  const sure = pass.logit > 0 ? pass.probability : 1 - pass.probability;
  const right =
    state.picture || !study.subjects_known ? "" : study.people[study.labels[state.face]] === said ? "right" : "wrong";
  return html`<section class="answer ${kind} ${dead ? "dead" : ""}" aria-label=${`${kindName(kind)}'s answer`}>
    <header><${Which} loupe=${loupe} slot=${slot} /><span class="from">${provenance(slot)}</span></header>
    <${Axis} people=${study.people} logit=${pass.logit} bound=${bench.bound} />
    <dl><div><dt>Logit</dt><dd>${signed(pass.logit)}</dd></div>
      <div><dt>Decision</dt><dd>${said}${right && html` <small>${right}</small>`}</dd></div>
      <div><dt>Its probability</dt><dd>${percent(sure, 1)}</dd></div></dl>
    <p class="note">${dead ? "Dead: every face here gets this answer, for no hidden unit speaks." : ""}</p>
  </section>`;
}

function Which({ loupe: { study, state, update }, slot: { kind, choice } }) {
  const keys = keysOf(study, state, kind);
  const choose = (key) =>
    update(({ choices }) => ({ choices: { ...choices, [kind]: { key, source: "fit", index: 0 } } }));
  return html`<select aria-label=${`Which ${kindName(kind)}`} value=${choice.key}
    onChange=${(event) => choose(event.target.value)}>
    ${keys.map(
      (key) => html`<option value=${key} selected=${key === choice.key}>${entryOf(study, state, key).label}
      </option>`,
    )}
  </select>`;
}

/** The logit on an axis that both networks share. */
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
