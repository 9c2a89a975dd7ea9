/** Seeds: every fit of every network as a dot by its accuracy; any of them can be put on the bench. */

import { html } from "preact-htm";
import { entryOf, keysOf } from "loupe/study";
import { Numbers, walk } from "loupe/views/parts";
import { accuracy, count, kindName, percent, silence } from "loupe/words";

const score = (fit) => fit.accuracy ?? fit.train_accuracy;

/** Whether a fit answers every face alike. */
const lifeless = (entry, fit) => fit.dead.hidden >= hiddenOf(entry, fit);

function hiddenOf(entry, fit) {
  return entry.networks ? entry.networks.fit[0].hidden : fit.weights["hidden.bias"].shape[0];
}

/** The indices of an entry's fits from the worst to the best. */
export function ranked({ fits }) {
  return fits.map((_, index) => index).sort((one, other) => score(fits[one]) - score(fits[other]) || one - other);
}

/** @param {"worst" | "median" | "best"} which */
export function pick(entry, which) {
  const order = ranked(entry);
  return order[{ worst: 0, median: Math.floor((order.length - 1) / 2), best: order.length - 1 }[which]];
}

/** Put the worst, the median or the best fit of every network on the bench. */
export function pickAll(slots, which) {
  return (state) => ({
    choices: {
      ...state.choices,
      ...Object.fromEntries(
        slots.map(({ kind, choice, entry }) => [kind, { key: choice.key, source: "fit", index: pick(entry, which) }]),
      ),
    },
  });
}

export function SeedsView({ loupe }) {
  const { study, state, bench, update } = loupe;
  const jump = { w: "worst", m: "median" };
  const onKeyDown = (event) => {
    const which = !event.ctrlKey && !event.metaKey && !event.altKey && jump[event.key.toLowerCase()];
    if (which) update(pickAll(bench.slots, which));
  };
  return html`<div onKeyDown=${onKeyDown}>
    <p class="lead-in">One dot is one training from other random weights, in the line of its accuracy. Choose any;
      it comes to the bench.</p>
    <div class="row">${["worst", "median", "best"].map(
      (which) => html`<button type="button"
      onClick=${() => update(pickAll(bench.slots, which))}>
      ${which[0].toUpperCase() + which.slice(1)} of each${
        which in { worst: 1, median: 1 }
          ? html` <kbd>
      ${which[0].toUpperCase()}</kbd>`
          : ""
      }</button>`,
    )}</div>
    <div class="books">${bench.slots.map(
      (slot) => html`<section key=${slot.kind} class="book">${keysOf(study, state, slot.kind).map(
        (key) => html`<${Strip}
        key=${key} loupe=${loupe} entry=${entryOf(study, state, key)} id=${key} slot=${slot} />`,
      )}
      <p class="hint chosen-fit">${silence(slot)}</p></section>`,
    )}</div>
    <p class="keys"><span><span class="dot-key"></span>a fit</span><span><span class="dot-key lifeless">
      </span>a dead fit: all hidden units silent</span><span><span class="dot-key chosen"></span>on the bench</span>
      </p></div>`;
}

function Strip({ loupe, entry, id, slot }) {
  const { kind, choice } = slot;
  const chosen = choice.key === id && choice.source === "fit" ? choice.index : null;
  const order = ranked(entry).reverse();
  const levels = [...new Set(order.map((index) => score(entry.fits[index])))];
  const choose = (index) =>
    loupe.update(({ choices }) => ({ choices: { ...choices, [kind]: { key: id, source: "fit", index } } }));
  const dead = entry.fits.filter((fit) => lifeless(entry, fit)).length;
  const items = order.map((key) => ({ key }));
  return html`<div class=${`strip ${kind}`} role="radiogroup"
    aria-label=${`${entry.label}, ${count(entry.fits.length, "fit")}`}
    onKeyDown=${(event) => walk(event, items, choose)}>
    <h3>${entry.label}</h3><p class="hint">${count(entry.fits.length, "fit")}, ${dead} of them dead</p>
    ${levels.map(
      (level) => html`<div class="level" role="presentation"><span>${percent(level)}</span>
      <div role="presentation">
      ${order
        .filter((index) => score(entry.fits[index]) === level)
        .map(
          (index) => html`<${Dot} key=${index}
      entry=${entry} index=${index} chosen=${chosen} stop=${chosen ?? order[0]} onChoose=${choose} />`,
        )}</div></div>`,
    )}
  </div>
  <${Numbers} caption=${`${entry.label}, fit by fit`}
    head=${["Seed", "Held-out right", "Training right", "Silent filters", "Silent hidden"]}
    rows=${() => entry.fits.map(fitRow)} />`;
}

function fitRow({ seed, accuracy: heldOut, train_accuracy: trained, dead }) {
  return [seed, heldOut === null ? "–" : percent(heldOut), percent(trained), dead.conv ?? "–", dead.hidden];
}

function Dot({ entry, index, chosen, stop, onChoose }) {
  const fit = entry.fits[index];
  const dead = lifeless(entry, fit);
  const filters = fit.dead.conv ? `, ${count(fit.dead.conv, "filter")} silent` : "";
  const silent = dead ? ", dead: all hidden units silent" : filters;
  const label = `${kindName(entry.kind)} seed ${fit.seed}: ${accuracy(fit)}${silent}`;
  return html`<button type="button" role="radio" class=${dead ? "dot lifeless" : "dot"}
    aria-checked=${index === chosen} aria-label=${label} title=${label} tabindex=${index === stop ? 0 : -1}
    onClick=${() => onChoose(index)}></button>`;
}
