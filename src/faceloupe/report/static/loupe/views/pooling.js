/** The pooling inspector: which value of a window won, and what pooling never sees. */

import { html } from "preact-htm";
import { poolingAt, unseen } from "loupe/network";
import { cellColours } from "loupe/draw";
import { Heat, Ramp } from "loupe/views/map";
import { Numbers } from "loupe/views/parts";
import { number, poolingSentence } from "loupe/words";

export function PoolingView({ loupe }) {
  const { cnn, poolCell: cell } = loupe;
  const { network, pass, survey } = cnn;
  const at = poolingAt(network, pass, cell.filter, cell.row, cell.column);
  return html`<div class="row spread">
      <p class="lead-in">Each window of ${network.pool.join(" × ")} values becomes its
        largest one: ${network.map.join(" × ")} → ${network.pooled.join(" × ")}.</p>
      <${Ramp} limit=${survey.conv} unit="activation" rectified=${true} /></div>
    <div class="maps">${Array.from(
      { length: network.filters },
      (_, filter) => html`<${Pooled} key=${filter}
      loupe=${loupe} filter=${filter} />`,
    )}</div>
    <div class="lenses">
      <section class="lens"><h3>The window in filter ${cell.filter + 1}'s map</h3>
        <${Source} cnn=${cnn} cell=${cell} at=${at} /><p class="hint">${unseenWords(network)}</p></section>
      <section class="lens"><h3>Its ${at.values.length} values after the ReLU</h3>
        <${Window} at=${at} network=${network} limit=${survey.conv} /><p class="sum">maximum = <b>${number(at.value)}
        </b></p>
        <p class="hint">${poolingSentence(cell, at)}</p></section>
    </div>
    <${Numbers} caption=${`Filter ${cell.filter + 1} after pooling, by row and column`}
      head=${["Row", ...Array.from({ length: network.pooled[1] }, (_, column) => column + 1)]}
      rows=${() => pooledRows(network, pass, cell.filter)} />`;
}

function Pooled({ loupe: { cnn, poolCell: cell, update }, filter }) {
  const { network, pass, survey } = cnn;
  const [rows, columns] = network.pooled;
  const dead = survey.dead.conv[filter];
  return html`<figure class="panel-map"><${Heat} values=${pass.pool} offset=${filter * rows * columns}
    shape=${network.pooled} scale=${{ kind: "diverging", limit: survey.conv }} dead=${dead}
      label=${`Filter ${filter + 1} after pooling${
        dead ? ", silent for every face" : ""
      }, ${rows} by ${columns} values`}
      cursor=${filter === cell.filter ? cell : { ...cell, quiet: true }}
      onMove=${(to) => update({ window: { filter, ...to } })} />
    <figcaption><span>Filter ${filter + 1}${dead ? ", silent for every face" : ""}</span></figcaption></figure>`;
}

/** The filter's whole map with the window on it, and the edge that no window covers hatched. */
function Source({ cnn: { network, pass, survey }, cell, at }) {
  const [height, width] = network.map;
  const left = unseen(network);
  const marks = [
    ...(left.rows
      ? [{ row: height - left.rows, column: 0, rows: left.rows, columns: width, kind: "unseen-edge" }]
      : []),
    ...(left.columns
      ? [{ row: 0, column: width - left.columns, rows: height, columns: left.columns, kind: "unseen-edge" }]
      : []),
    { row: at.rows[0], column: at.columns[0], rows: network.pool[0], columns: network.pool[1], kind: "patch" },
    ...(at.value > 0 ? [{ ...at.winner, rows: 1, columns: 1, kind: "winner" }] : []),
  ];
  return html`<${Heat} class="source" values=${pass.conv} offset=${cell.filter * height * width} shape=${network.map}
    scale=${{ kind: "diverging", limit: survey.conv, rectified: true }} marks=${marks}
    label=${`Filter ${cell.filter + 1}'s map after the ReLU, with the window marked`} />`;
}

function unseenWords(network) {
  const { rows, columns } = unseen(network);
  if (!rows && !columns) return "The windows cover the whole map.";
  const parts = [
    rows && `the last ${rows === 1 ? "row" : `${rows} rows`}`,
    columns && `the last ${columns === 1 ? "column" : `${columns} columns`}`,
  ];
  const left = parts.filter(Boolean).join(" and ");
  return `Hatched: ${left}. They fill no window of ${network.pool.join(" × ")}: the network never sees what is there.`;
}

/** The window as a table of numbers on their colours; the winner is framed and says so. */
function Window({ at, network, limit }) {
  const [rows, columns] = network.pool;
  const won = at.value > 0 ? (at.winner.row - at.rows[0]) * columns + at.winner.column - at.columns[0] : -1;
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

function pooledRows({ pooled: [rows, columns] }, { pool }, filter) {
  const value = (row, column) => number(pool[(filter * rows + row) * columns + column], 3);
  return Array.from({ length: rows }, (_, row) => [
    row + 1,
    ...Array.from({ length: columns }, (_, column) => value(row, column)),
  ]);
}
