/**
 * Time: the same networks before training and after each epoch, forwards and backwards.
 *
 * @typedef {import("loupe/views/app").Loupe} Loupe
 * @typedef {import("loupe/study").Slot} Slot
 * @typedef {{slots: Slot[]}} Bench
 * @typedef {Loupe["state"]["choices"]} Choices
 */

import { html } from "preact-htm";
import { area } from "loupe/layers";
import { epochsOf, largest } from "loupe/study";
import { Curves, guessing, lossTop } from "loupe/views/curves";
import { Heat, Ramp } from "loupe/views/map";
import { Kernel } from "loupe/views/microscope";
import { Numbers, valueOf } from "loupe/views/parts";
import { activationAfter, isSilent } from "loupe/views/scope";
import { activationName, number, percent, provenance, silence } from "loupe/words";

const MOST_SHOWN = 8; // filters or units

/** How many epochs there are to walk through. @param {Bench} bench */
export const lastEpoch = ({ slots }) => Math.max(...slots.map(({ entry }) => epochsOf(entry)));

/** The epoch that is shown: a fit stands at the end of its training. @param {Bench} bench */
export function epochShown({ slots }) {
  const moments = slots.filter(({ choice }) => choice.source === "epoch").map(({ choice }) => choice.index);
  return moments.length ? Math.max(...moments) : lastEpoch({ slots });
}

/**
 * Set every network that has a history to an epoch of it.
 *
 * @param {Slot[]} slots @param {Choices} choices @param {number} epoch
 */
export function toEpoch(slots, choices, epoch) {
  const moved = slots
    .filter(({ entry }) => entry.history)
    .map(({ kind, choice, entry }) => [
      kind,
      { key: choice.key, source: "epoch", index: Math.min(epoch, epochsOf(entry)) },
    ]);
  return { choices: /** @type {Choices} */ ({ ...choices, ...Object.fromEntries(moved) }) };
}

/** @param {{loupe: Loupe}} props */
export function TimeView({ loupe }) {
  const { study, bench } = loupe;
  const epochs = lastEpoch(bench);
  if (!epochs) {
    return html`<p class="lead-in">No history is kept of these networks; choose another above, or train one here.</p>`;
  }
  const epoch = epochShown(bench);
  const slots = bench.slots.filter(({ entry }) => entry.history);
  const series = (/** @type {"loss" | "accuracy"} */ name) =>
    slots.map(({ title, colour, entry }) => ({ name: title, class: colour, values: entry.history?.[name] ?? [] }));
  return html`<${Scrubber} loupe=${loupe} epoch=${epoch} epochs=${epochs} />
    <div class="charts">
      <${Curves} title="Training loss" series=${series("loss")} epochs=${epochs} most=${lossTop(series("loss"))}
        cursor=${epoch} reference=${guessing(study.people.length)} />
      <${Curves} title="Share of training faces right" series=${series("accuracy")} epochs=${epochs} most=${1}
        cursor=${epoch} />
    </div>
    <p class="keys">${slots.map(
      ({ title, colour, entry }) => html`<span class=${`key ${colour}`}>
      ${title}, seed ${entry.history?.seed}</span>`,
    )}</p>
    ${slots.map((slot) => html`<${Moment} key=${slot.kind} slot=${slot} />`)}
    <${Numbers} caption="Training loss and share of training faces right, epoch by epoch"
      head=${["Epoch", ...slots.flatMap(({ title }) => [`${title} loss`, `${title} right`])]}
      rows=${() => rows(slots, epochs)} />`;
}

/** @param {{loupe: Loupe, epoch: number, epochs: number}} props */
function Scrubber({ loupe, epoch, epochs }) {
  const { bench, state, update } = loupe;
  const go = (/** @type {number} */ to) =>
    update(({ choices }) => ({ ...toEpoch(bench.slots, choices, Math.min(Math.max(to, 0), epochs)), playing: false }));
  const text = epoch ? `after epoch ${epoch} of ${epochs}` : "before training";
  return html`<div class="row scrubber">
    <button type="button" class="square" aria-label="One epoch back" onClick=${() => go(epoch - 1)}
      disabled=${epoch === 0}><span aria-hidden="true">◀</span></button>
    <button type="button" class="play" onClick=${() => loupe.play(!state.playing)}>${state.playing ? "Pause" : "Play"}
      </button>
    <button type="button" class="square" aria-label="One epoch on" onClick=${() => go(epoch + 1)}
      disabled=${epoch === epochs}><span aria-hidden="true">▶</span></button>
    <label class="slider"><span>Epoch</span><input type="range" min="0" max=${epochs} value=${epoch}
      aria-valuetext=${text} onInput=${(/** @type {Event} */ event) => go(Number(valueOf(event)))} />
      <output>${text}</output></label>
  </div>`;
}

/** @param {{slot: Slot}} props */
function Moment({ slot }) {
  const { kind, colour, title, network } = slot;
  const first = network.layers.findIndex((layer) => layer.kind === "convolution");
  return html`<section class=${`moment ${kind} ${colour}`}><h3>${title} · ${provenance(slot)}</h3>
    <p class="hint said-by">${silence(slot)}</p>
    ${first < 0 ? html`<${HiddenWeights} slot=${slot} />` : html`<${Filters} slot=${slot} index=${first} />`}
    </section>`;
}

/** The first convolution's kernels and what they see. @param {{slot: Slot, index: number}} props */
function Filters({ slot, index }) {
  const { network, pass, survey } = slot;
  const [filters, ...shape] = network.layers[index].output;
  const activation = activationAfter(network, index);
  const shown = activation < 0 ? index : activation;
  const when = activation < 0 ? "" : ` after the ${activationName(network.layers[activation])}`;
  return html`<p class="hint">The kernels, and each filter's map of this face${when}.</p>
    <div class="maps">${Array.from({ length: Math.min(filters, MOST_SHOWN) }, (_, filter) => {
      const dead = isSilent(slot, index, filter);
      return html`<figure class="panel-map" key=${filter}>
      <${Heat} values=${pass.outputs[shown]} offset=${filter * area([shape[0], shape[1]])} shape=${shape}
        scale=${{ kind: "diverging", limit: survey.limits[index] }} dead=${dead}
        label=${`Filter ${filter + 1}'s map${when}${dead ? ", silent for every face" : ""}`} />
      <figcaption><${Kernel} network=${network} index=${index} filter=${filter} />
        <span>Filter ${filter + 1}${dead ? html`<br />silent` : ""}</span></figcaption></figure>`;
    })}</div>
    <${Ramp} limit=${survey.limits[index]} unit=${`activation${when}`} rectified=${when.includes("ReLU")} />`;
}

/** The weights from the pixels to the first units. @param {{slot: Slot}} props */
function HiddenWeights({ slot }) {
  const { network } = slot;
  const first = network.layers.findIndex(({ kind }) => kind === "dense");
  const { name, output } = network.layers[first];
  const values = network.weights[`${name}.weight`];
  const limit = largest(values);
  return html`<p class="hint">The weights of each hidden unit, one a pixel.</p>
    <div class="maps">${Array.from({ length: Math.min(output[0], MOST_SHOWN) }, (_, unit) => {
      const dead = isSilent(slot, first, unit);
      return html`<figure class="panel-map" key=${unit}>
      <${Heat} values=${values} offset=${unit * area(network.size)} shape=${network.size}
        scale=${{ kind: "diverging", limit }} dead=${dead}
        label=${`Weights of hidden unit ${unit + 1}${dead ? ", silent for every face" : ""}`} />
      <figcaption><span>Hidden unit ${unit + 1}${dead ? html`<br />silent` : ""}</span></figcaption></figure>`;
    })}</div>
    <${Ramp} limit=${limit} unit="weight" />`;
}

/** @param {Slot[]} slots @param {number} epochs */
function rows(slots, epochs) {
  const cells = (/** @type {Slot} */ { entry: { history } }, /** @type {number} */ index) =>
    history && index < history.loss.length
      ? [number(history.loss[index], 4), percent(history.accuracy[index])]
      : ["", ""];
  return Array.from({ length: epochs }, (_, index) => [index + 1, ...slots.flatMap((slot) => cells(slot, index))]);
}
