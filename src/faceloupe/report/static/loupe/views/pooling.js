/**
 * The pooling inspector: which value of a window won, and what pooling never sees.
 *
 * @typedef {import("loupe/views/app").Loupe} Loupe
 * @typedef {import("loupe/views/scope").Scope} Scope
 * @typedef {import("loupe/layers").Pooling} Pooling
 * @typedef {import("loupe/cells").PoolingCell} PoolingCell
 */

import { html } from "preact-htm";
import { poolingAt, unseen } from "loupe/cells";
import { cellColours } from "loupe/draw";
import { area } from "loupe/layers";
import { inputOf } from "loupe/network";
import { Heat, Ramp } from "loupe/views/map";
import { Numbers } from "loupe/views/parts";
import { ScopeChoice, isSilent, moverOn, scopeOf } from "loupe/views/scope";
import { number, poolingSentence } from "loupe/words";

const MOST_IN_TABLE = 64; // values of a window

/** @param {{loupe: Loupe}} props */
export function PoolingView({ loupe }) {
  const scope = scopeOf(loupe, "pooling");
  if (!scope || scope.layer.kind !== "pooling") return null;
  const { slot, index, layer, cell, channels, shape } = scope;
  const at = poolingAt(slot.network, slot.pass, index, cell.filter, cell.row, cell.column);
  const limit = limitOf(scope);
  return html`<${ScopeChoice} loupe=${loupe} scope=${scope} />
    <div class="row spread">
      <p class="lead-in">Each window of ${layer.size.join(" × ")} values becomes its
        ${layer.average ? "mean" : "largest one"}: ${layer.input.slice(1).join(" × ")} → ${shape.join(" × ")}.</p>
      <${Ramp} limit=${limit} unit="activation" rectified=${fromZero(scope)} /></div>
    <div class=${channels > 8 ? "maps many" : "maps"}>${Array.from(
      { length: channels },
      (_, filter) => html`<${Pooled} key=${filter} loupe=${loupe} scope=${scope} filter=${filter} limit=${limit} />`,
    )}</div>
    <div class="lenses">
      <section class="lens"><h3>The window in filter ${cell.filter + 1}'s map</h3>
        <${Source} scope=${scope} at=${at} limit=${limit} /><p class="hint">${unseenWords(layer)}</p></section>
      <section class="lens"><h3>Its ${at.values.length} values${fromZero(scope) ? " after the ReLU" : ""}</h3>
        <${Window} at=${at} layer=${layer} limit=${limit} /><p class="sum">${layer.average ? "mean" : "maximum"} = <b>
        ${number(at.value)}</b></p>
        <p class="hint">${poolingSentence(cell, at)}</p></section>
    </div>
    <${Numbers} caption=${`Filter ${cell.filter + 1} after pooling, by row and column`}
      head=${["Row", ...Array.from({ length: shape[1] }, (_, column) => column + 1)]}
      rows=${() => pooledRows(scope)} />`;
}

/** @param {Scope} scope */
const limitOf = ({ slot, index }) => slot.survey.limits[Math.max(0, index - 1)];

/** Whether what is pooled came out of a ReLU. @param {Scope} scope */
function fromZero({ slot: { network }, index }) {
  const before = network.layers[index - 1];
  return before?.kind === "activation" && before.function === "relu";
}

/** @param {{loupe: Loupe, scope: Scope, filter: number, limit: number}} props */
function Pooled({ loupe, scope, filter, limit }) {
  const { slot, index, cell, shape } = scope;
  const dead = isSilent(slot, index, filter);
  const silent = dead ? ", silent for every face" : "";
  return html`<figure class="panel-map"><${Heat} values=${slot.pass.outputs[index]} offset=${filter * area(shape)}
    shape=${shape} scale=${{ kind: "diverging", limit }} dead=${dead}
      label=${`Filter ${filter + 1} after pooling${silent}, ${shape.join(" by ")} values`}
      cursor=${filter === cell.filter ? cell : { ...cell, quiet: true }}
      onMove=${moverOn(loupe, scope, filter)} />
    <figcaption><span>Filter ${filter + 1}${silent}</span></figcaption></figure>`;
}

/**
 * The filter's whole map with the window on it, and the edge that no window covers hatched.
 *
 * @param {{scope: Scope, at: PoolingCell, limit: number}} props
 */
function Source({ scope, at, limit }) {
  const { slot, index, cell } = scope;
  const layer = /** @type {Pooling} */ (scope.layer);
  const [, height, width] = layer.input;
  const left = unseen(layer);
  const marks = [
    ...(left.rows
      ? [{ row: height - left.rows, column: 0, rows: left.rows, columns: width, kind: "unseen-edge" }]
      : []),
    ...(left.columns
      ? [{ row: 0, column: width - left.columns, rows: height, columns: left.columns, kind: "unseen-edge" }]
      : []),
    { row: at.rows[0], column: at.columns[0], rows: layer.size[0], columns: layer.size[1], kind: "patch" },
    ...(at.winner && at.value !== 0 ? [{ ...at.winner, rows: 1, columns: 1, kind: "winner" }] : []),
  ];
  return html`<${Heat} class="source" values=${inputOf(slot.pass, index)} offset=${cell.filter * height * width}
    shape=${[height, width]} scale=${{ kind: "diverging", limit }} marks=${marks}
    label=${`Filter ${cell.filter + 1}'s map${fromZero(scope) ? " after the ReLU" : ""}, with the window marked`} />`;
}

/** @param {Pooling} layer */
function unseenWords(layer) {
  const { rows, columns } = unseen(layer);
  if (!rows && !columns) return "The windows cover the whole map.";
  const parts = [
    rows && `the last ${rows === 1 ? "row" : `${rows} rows`}`,
    columns && `the last ${columns === 1 ? "column" : `${columns} columns`}`,
  ];
  const left = parts.filter(Boolean).join(" and ");
  return `Hatched: ${left}. They fill no window of ${layer.size.join(" × ")}: the network never sees what is there.`;
}

/**
 * The window as a table of numbers on their colours; the winner is framed and says so.
 *
 * @param {{at: PoolingCell, layer: Pooling, limit: number}} props
 */
function Window({ at, layer: { size }, limit }) {
  const [rows, columns] = size;
  if (rows * columns > MOST_IN_TABLE) return html`<p class="hint">The window is the whole map.</p>`;
  const { winner } = at;
  const won = winner && at.value !== 0 ? (winner.row - at.rows[0]) * columns + winner.column - at.columns[0] : -1;
  return html`<table class="window"><tbody>${Array.from(
    { length: rows },
    (_, row) =>
      html`<tr>${Array.from({ length: columns }, (_, column) => {
        const index = row * columns + column;
        return html`<td class=${index === won ? "won" : ""} style=${cellColours(at.values[index], limit)}>
          ${number(at.values[index], 2)}${index === won && html`<span class="winner-word">wins</span>`}</td>`;
      })}</tr>`,
  )}</tbody></table>`;
}

/** @param {Scope} scope */
function pooledRows({ slot, index, cell, shape: [rows, columns] }) {
  const values = slot.pass.outputs[index];
  const value = (/** @type {number} */ row, /** @type {number} */ column) =>
    number(values[(cell.filter * rows + row) * columns + column], 3);
  return Array.from({ length: rows }, (_, row) => [
    row + 1,
    ...Array.from({ length: columns }, (_, column) => value(row, column)),
  ]);
}
