/** The ledger: every part of a logit, down to the probability. */

import { html } from "preact-htm";
import { Heat, Ramp, within } from "loupe/views/map";
import { Numbers } from "loupe/views/parts";
import { largest } from "loupe/study";
import { decision, isDead, kindName, number, percent, place, signed } from "loupe/words";

/** The maps that a network's hidden layer reads: how many, and their shape. */
export function featureMaps({ kind, filters, pooled, height, width }) {
  return kind === "cnn" ? { maps: filters, shape: pooled } : { maps: 1, shape: [height, width] };
}

/** The ledger's cursor, kept within the maps that there are. */
export function termCell(slot, state) {
  const { maps, shape } = featureMaps(slot.network);
  return within(state.term[slot.kind], maps, shape);
}

export function LedgerView({ loupe }) {
  return html`<p class="lead-in">With its ReLUs open or shut as they are for this face, a network is a weighted sum. So
      the logit is the sum of what each value gave, plus a bias, exactly.</p>
    <div class="books">${loupe.bench.slots.map(
      (slot) => html`<${Book} key=${slot.kind} loupe=${loupe}
      slot=${slot} />`,
    )}</div>`;
}

function Book({ loupe, slot }) {
  const { kind, network, survey } = slot;
  const account = slot.ledger();
  const { maps, shape } = featureMaps(network);
  const size = shape[0] * shape[1];
  const sums = Array.from({ length: maps }, (_, map) =>
    account.terms.subarray(map * size, (map + 1) * size).reduce((sum, term) => sum + term, 0),
  );
  const limit = survey.term || 1;
  return html`<section class="book ${kind}"><h3>${kindName(kind)}</h3>
    <${Ramp} limit=${limit} unit="logit" />
    <div class=${maps > 1 ? "maps four" : "maps one"}>${sums.map(
      (sum, map) => html`<${Terms} key=${map} loupe=${loupe}
      slot=${slot} account=${account} map=${map} shape=${shape} limit=${limit} sum=${sum} />`,
    )}</div>
    ${
      largest(account.terms) === 0 &&
      html`<p class="hint">
      No hidden unit is open for ${isDead(survey) ? "any" : "this"} face: nothing of the face reaches the logit; it is
      the bias alone.</p>`
    }
    <${Units} account=${account} />
    <${Addition} loupe=${loupe} kind=${kind} sums=${sums} account=${account} pass=${slot.pass} />
    <${Numbers} caption="What each value gave to the logit, the 50 largest first" head=${["Where", "Value", "Gave"]}
      rows=${() => largestRows(slot, account, shape)} />
  </section>`;
}

function Terms({ loupe, slot, account, map, shape, limit, sum }) {
  const { kind } = slot;
  const cell = termCell(slot, loupe.state);
  const name = kind === "cnn" ? `Filter ${map + 1}` : "Pixels";
  const move = (to) => loupe.update(({ term }) => ({ term: { ...term, [kind]: { filter: map, ...to } }, book: kind }));
  return html`<figure class="panel-map"><${Heat} values=${account.terms} offset=${map * shape[0] * shape[1]}
    shape=${shape} scale=${{ kind: "diverging", limit }} dead=${isDead(slot.survey)}
    label=${`${kindName(kind)}, ${name}: contributions to the logit, ${shape[0]} by ${shape[1]}`}
      cursor=${cell.filter === map ? cell : { ...cell, quiet: true }} onMove=${move} /><figcaption><span>${name}
        <br />Σ ${signed(sum, 4)}</span></figcaption></figure>`;
}

function Units({ account: { units } }) {
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Hidden units"><table class="units"><thead><tr>
    <th scope="col">Unit</th><th scope="col" class="right">Sum</th><th scope="col">ReLU</th>
    <th scope="col" class="right">Output × weight</th></tr></thead>
    <tbody>${units.map(
      ({ sum, output, open, weight, contribution }, unit) => html`<tr class=${open ? "" : "shut"}>
      <th scope="row">${unit + 1}</th><td class="right">${signed(sum)}</td><td><span class="gate">
      ${open ? "ON" : "OFF"}</span></td><td class="right">${number(output)} × ${signed(weight)} = <b>
      ${signed(contribution)}</b></td></tr>`,
    )}</tbody></table></div>`;
}

/** The sum, written out as on paper. */
function Addition({ loupe: { study }, kind, sums, account, pass }) {
  const digits = 6;
  const total = sums.reduce((sum, part) => sum + part, account.bias);
  const name = (index) => (kind === "cnn" ? `Filter ${index + 1}` : "All pixels");
  const probability = pass.logit > 0 ? pass.probability : 1 - pass.probability;
  return html`<table class="addition"><tbody>
    ${sums.map(
      (sum, index) => html`<tr><th scope="row">${name(index)}</th><td class="right">${signed(sum, digits)}
      </td></tr>`,
    )}
    <tr><th scope="row">Biases, through the open units</th><td class="right">${signed(account.bias, digits)}</td></tr>
    <tr class="total"><th scope="row">Their sum</th><td class="right">${signed(total, digits)}</td></tr>
    <tr><th scope="row">Logit of the network</th><td class="right">${signed(pass.logit, digits)}</td></tr>
    <tr class="total"><th scope="row">1 / (1 + e<sup>−logit</sup>)</th><td class="right">
      ${percent(pass.probability, 2)}</td></tr>
    <tr><th scope="row">${decision(study.people, pass.logit)}</th><td class="right">${percent(probability, 2)}</td>
      </tr></tbody></table>`;
}

function largestRows({ kind, pass }, { terms }, [rows, columns]) {
  const order = Array.from(terms, (_, index) => index).sort(
    (one, other) => Math.abs(terms[other]) - Math.abs(terms[one]),
  );
  return order.slice(0, 50).map((index) => {
    const [map, rest] = [Math.floor(index / (rows * columns)), index % (rows * columns)];
    const where = place(Math.floor(rest / columns), rest % columns);
    const name = kind === "cnn" ? `filter ${map + 1}, ${where}` : where;
    return [name, number(pass.features[index], 4), signed(terms[index], 5)];
  });
}
