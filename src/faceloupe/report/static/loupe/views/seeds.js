/**
 * Seeds: every fit of every network as a dot by its accuracy; any of them can be put on the bench.
 *
 * @typedef {import("loupe/views/app").Loupe} Loupe
 * @typedef {import("loupe/study").Slot} Slot
 * @typedef {import("loupe/study").Entry} Entry
 * @typedef {"worst" | "median" | "best"} Which
 */

import { html } from "preact-htm";
import { entryOf, isDeadFit, keysOf, ranked, score } from "loupe/study";
import { Numbers, walk } from "loupe/views/parts";
import { accuracy, count, percent, silence } from "loupe/words";

/** @param {Entry} entry @param {Which} which */
export function pick(entry, which) {
  const order = ranked(entry);
  return order[{ worst: 0, median: Math.floor((order.length - 1) / 2), best: order.length - 1 }[which]];
}

/**
 * Put the worst, the median or the best fit of every network on the bench.
 *
 * @param {Slot[]} slots @param {Which} which
 */
export function pickAll(slots, which) {
  return (/** @type {Loupe["state"]} */ state) => ({
    choices: /** @type {Loupe["state"]["choices"]} */ ({
      ...state.choices,
      ...Object.fromEntries(
        slots.map(({ kind, choice, entry }) => [kind, { key: choice.key, source: "fit", index: pick(entry, which) }]),
      ),
    }),
  });
}

/** @type {Record<string, Which>} */
const KEYS = { w: "worst", m: "median" };
/** @type {Which[]} */
const ALL = ["worst", "median", "best"];

/** @param {{loupe: Loupe}} props */
export function SeedsView({ loupe }) {
  const { study, state, bench, update } = loupe;
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    const which = !event.ctrlKey && !event.metaKey && !event.altKey && KEYS[event.key.toLowerCase()];
    if (which) update(pickAll(bench.slots, which));
  };
  return html`<div onKeyDown=${onKeyDown}>
    <p class="lead-in">One dot is one training from other random weights, in the line of its accuracy. Choose any;
      it comes to the bench.</p>
    <div class="row">${ALL.map(
      (which) => html`<button type="button" onClick=${() => update(pickAll(bench.slots, which))}>
      ${which[0].toUpperCase() + which.slice(1)} of
          each${which === "best" ? "" : html` <kbd>${which[0].toUpperCase()}</kbd>`}
      </button>`,
    )}</div>
    <div class="books">${bench.slots.map(
      (slot) => html`<section key=${slot.kind} class="book">${keysOf(study, state, slot.kind).map(
        (key) =>
          html`<${Strip} key=${key} loupe=${loupe} entry=${entryOf(study, state, key)} id=${key} slot=${slot} />`,
      )}
      <p class="hint chosen-fit">${silence(slot)}</p></section>`,
    )}</div>
    <p class="keys"><span><span class="dot-key"></span>a fit</span><span><span class="dot-key lifeless">
      </span>a dead fit: a whole layer silent</span><span><span class="dot-key chosen"></span>on the bench</span>
      </p></div>`;
}

/** @param {{loupe: Loupe, entry: Entry, id: string, slot: Slot}} props */
function Strip({ loupe, entry, id, slot }) {
  const { kind, colour, choice } = slot;
  const chosen = choice.key === id && choice.source === "fit" ? choice.index : null;
  const order = ranked(entry).reverse();
  const levels = [...new Set(order.map((index) => score(entry.fits[index])))];
  const choose = (/** @type {number} */ index) =>
    loupe.update(({ choices }) => ({ choices: { ...choices, [kind]: { key: id, source: "fit", index } } }));
  const dead = order.filter((index) => isDeadFit(loupe.study, entry, index)).length;
  const items = order.map((key) => ({ key }));
  return html`<div class=${`strip ${kind} ${colour}`} role="radiogroup"
    aria-label=${`${entry.label}, ${count(entry.fits.length, "fit")}`}
    onKeyDown=${(/** @type {KeyboardEvent} */ event) => walk(event, items, choose)}>
    <h3>${entry.label}</h3><p class="hint">${count(entry.fits.length, "fit")}, ${dead} of them dead</p>
    ${levels.map(
      (level) => html`<div class="level" role="presentation"><span>${percent(level)}</span>
      <div role="presentation">
      ${order
        .filter((index) => score(entry.fits[index]) === level)
        .map(
          (index) => html`<${Dot} key=${index} entry=${entry} index=${index} chosen=${chosen}
      stop=${chosen ?? order[0]} dead=${isDeadFit(loupe.study, entry, index)} onChoose=${choose} />`,
        )}</div></div>`,
    )}
  </div>
  <${Numbers} caption=${`${entry.label}, fit by fit`}
    head=${["Seed", "Held-out right", "Training right", "Silent units"]}
    rows=${() => entry.fits.map(fitRow)} />`;
}

/** @param {import("loupe/study").Fit} fit */
function fitRow({ seed, accuracy: heldOut, train_accuracy: trained, dead }) {
  const silent = Object.entries(dead).flatMap(([name, many]) => (many === null ? [] : [`${name} ${many}`]));
  return [
    seed,
    heldOut === null ? "–" : percent(heldOut),
    trained === null ? "–" : percent(trained),
    silent.join(", ") || "–",
  ];
}

/**
 *
 * @param {{entry: Entry, index: number, chosen: number | null, stop: number, dead: boolean,
 *   onChoose: (index: number) => void}} props
 */
function Dot({ entry, index, chosen, stop, dead, onChoose }) {
  const fit = entry.fits[index];
  const name = entry.name ?? entry.kind.toUpperCase();
  const label = `${name} seed ${fit.seed}: ${accuracy(fit)}${dead ? ", dead: a whole layer silent" : ""}`;
  return html`<button type="button" role="radio" class=${dead ? "dot lifeless" : "dot"}
    aria-checked=${index === chosen} aria-label=${label} title=${label} tabindex=${index === stop ? 0 : -1}
    onClick=${() => onChoose(index)}></button>`;
}
