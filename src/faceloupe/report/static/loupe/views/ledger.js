/**
 * The ledger: every part of a logit, down to the probability.
 *
 * @typedef {import("loupe/views/app").Loupe} Loupe
 * @typedef {import("loupe/study").Slot} Slot
 * @typedef {import("loupe/ledger").Ledger} Ledger
 */

import { html } from "preact-htm";
import { decide } from "loupe/network";
import { largest } from "loupe/study";
import { Heat, Ramp, within } from "loupe/views/map";
import { Numbers } from "loupe/views/parts";
import { isDead, number, percent, place, signed } from "loupe/words";

/**
 * The maps that the ledger's features stand in.
 *
 * @param {Ledger} account @returns {{maps: number, shape: [number, number]}}
 */
export function featureMaps({ shape }) {
  return shape.length === 3 ? { maps: shape[0], shape: [shape[1], shape[2]] } : { maps: 1, shape: [1, shape[0]] };
}

/** The ledger's cursor, kept within the maps that there are. @param {Slot} slot @param {Loupe["state"]} state */
export function termCell(slot, state) {
  const { maps, shape } = featureMaps(slot.ledger());
  return within(state.term[slot.kind], maps, shape);
}

/** What a map of features is called. @param {Slot} slot @param {number} map */
function mapName({ network: { layers } }, map) {
  if (layers.some(({ kind }) => kind === "convolution")) return `Filter ${map + 1}`;
  return "Pixels";
}

/** @param {{loupe: Loupe}} props */
export function LedgerView({ loupe }) {
  return html`<p class="lead-in">With its ReLUs open or shut as they are for this face, a network is a weighted sum. So
      the logit is the sum of what each value gave, plus a bias, exactly.</p>
    <div class="books">${loupe.bench.slots.map(
      (slot) => html`<${Book} key=${slot.kind} loupe=${loupe} slot=${slot} />`,
    )}</div>`;
}

/** @param {{loupe: Loupe, slot: Slot}} props */
function Book({ loupe, slot }) {
  const { kind, colour, title, survey } = slot;
  const account = slot.ledger();
  const { maps, shape } = featureMaps(account);
  const size = shape[0] * shape[1];
  const sums = Array.from({ length: maps }, (_, map) =>
    account.terms.subarray(map * size, (map + 1) * size).reduce((sum, term) => sum + term, 0),
  );
  const limit = survey.term || 1;
  const whose = slot.pass.logits.length > 1 ? `, the logit of ${loupe.study.people[slot.target]}` : "";
  return html`<section class="book ${kind} ${colour}"><h3>${title}${whose}</h3>
    <${Ramp} limit=${limit} unit="logit" />
    <div class=${maps > 1 ? "maps four" : "maps one"}>${sums.map(
      (sum, map) => html`<${Terms} key=${map} loupe=${loupe}
      slot=${slot} account=${account} map=${map} shape=${shape} limit=${limit} sum=${sum} />`,
    )}</div>
    ${
      largest(account.terms) === 0 &&
      html`<p class="hint">
      No hidden unit is open for ${isDead(slot) ? "any" : "this"} face: nothing of the face reaches the logit; it is
      the bias alone.</p>`
    }
    ${account.units.length > 0 && html`<${Units} account=${account} />`}
    <${Addition} loupe=${loupe} slot=${slot} sums=${sums} account=${account} />
    <${Numbers} caption="What each value gave to the logit, the 50 largest first" head=${["Where", "Value", "Gave"]}
      rows=${() => largestRows(slot, account, shape)} />
  </section>`;
}

/**
 *
 * @param {{loupe: Loupe, slot: Slot, account: Ledger, map: number, shape: [number, number], limit: number,
 *   sum: number}} props
 */
function Terms({ loupe, slot, account, map, shape, limit, sum }) {
  const { kind, title } = slot;
  const cell = termCell(slot, loupe.state);
  const name = mapName(slot, map);
  const move = (/** @type {import("loupe/views/map").Place} */ to) =>
    loupe.update(({ term }) => ({ term: { ...term, [kind]: { filter: map, ...to } }, book: kind }));
  return html`<figure class="panel-map"><${Heat} values=${account.terms} offset=${map * shape[0] * shape[1]}
    shape=${shape} scale=${{ kind: "diverging", limit }} dead=${isDead(slot)}
    label=${`${title}, ${name}: contributions to the logit, ${shape[0]} by ${shape[1]}`}
      cursor=${cell.filter === map ? cell : { ...cell, quiet: true }} onMove=${move} /><figcaption><span>${name}
        <br />Σ ${signed(sum, 4)}</span></figcaption></figure>`;
}

/** What a unit's activation passes on, in a word. @param {number} share */
function gate(share) {
  if (share === 1) return "ON";
  return share === 0 ? "OFF" : percent(share);
}

/** @param {{account: Ledger}} props */
function Units({ account: { units } }) {
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Hidden units"><table class="units"><thead><tr>
    <th scope="col">Unit</th><th scope="col" class="right">Sum</th><th scope="col">Passes</th>
    <th scope="col" class="right">Output × weight</th></tr></thead>
    <tbody>${units.map(
      ({ sum, output, share, weight, contribution }, unit) => html`<tr class=${share ? "" : "shut"}>
      <th scope="row">${unit + 1}</th><td class="right">${signed(sum)}</td><td><span class="gate">
      ${gate(share)}</span></td><td class="right">${number(output)} × ${signed(weight)} = <b>
      ${signed(contribution)}</b></td></tr>`,
    )}</tbody></table></div>`;
}

/** The sum, written out as on paper. @param {{loupe: Loupe, slot: Slot, sums: number[], account: Ledger}} props */
function Addition({ loupe: { study }, slot, sums, account }) {
  const { pass } = slot;
  const digits = 6;
  const total = sums.reduce((sum, part) => sum + part, account.bias);
  const name = (/** @type {number} */ index) => (sums.length > 1 ? mapName(slot, index) : "All of them");
  const said = decide(pass.logits);
  return html`<table class="addition"><tbody>
    ${sums.map(
      (sum, index) => html`<tr><th scope="row">${name(index)}</th><td class="right">${signed(sum, digits)}
      </td></tr>`,
    )}
    <tr><th scope="row">Biases, through the open units</th><td class="right">${signed(account.bias, digits)}</td></tr>
    <tr class="total"><th scope="row">Their sum</th><td class="right">${signed(total, digits)}</td></tr>
    <tr><th scope="row">Logit of the network</th><td class="right">${signed(account.logit, digits)}</td></tr>
    ${
      pass.logits.length === 1
        ? html`<tr class="total"><th scope="row">1 / (1 + e<sup>−logit</sup>)</th><td class="right">
      ${percent(pass.probabilities[1], 2)}</td></tr>`
        : html`<tr class="total"><th scope="row">e<sup>logit</sup> / Σ e<sup>logits</sup></th><td class="right">
      ${percent(pass.probabilities[said], 2)}</td></tr>`
    }
    <tr><th scope="row">${study.people[said]}</th><td class="right">${percent(pass.probabilities[said], 2)}</td>
      </tr></tbody></table>`;
}

/** @param {Slot} slot @param {Ledger} account @param {[number, number]} shape */
function largestRows(slot, { terms, features, shape: full }, [rows, columns]) {
  const order = Array.from(terms, (_, index) => index).sort(
    (one, other) => Math.abs(terms[other]) - Math.abs(terms[one]),
  );
  return order.slice(0, 50).map((index) => {
    const [map, rest] = [Math.floor(index / (rows * columns)), index % (rows * columns)];
    const where = place(Math.floor(rest / columns), rest % columns);
    const name = full.length < 3 ? `feature ${index + 1}` : full[0] > 1 ? `filter ${map + 1}, ${where}` : where;
    return [name, number(features[index], 4), signed(terms[index], 5)];
  });
}
