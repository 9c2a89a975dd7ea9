/** Time: the same networks before training and after each epoch, forwards and backwards. */

import { html } from "preact-htm";
import { epochsOf, largest } from "loupe/study";
import { Heat, Ramp } from "loupe/views/map";
import { Numbers } from "loupe/views/parts";
import { Curves, LN2, lossTop } from "loupe/views/curves";
import { Kernel } from "loupe/views/microscope";
import { kindName, number, percent, provenance, silence } from "loupe/words";

/** How many epochs there are to walk through. */
export const lastEpoch = ({ slots }) => Math.max(...slots.map(({ entry }) => epochsOf(entry)));

/** The epoch that is shown: a fit stands at the end of its training. */
export function epochShown({ slots }) {
  const moments = slots.filter(({ choice }) => choice.source === "epoch").map(({ choice }) => choice.index);
  return moments.length ? Math.max(...moments) : lastEpoch({ slots });
}

/** Set every network that has a history to an epoch of it. */
export function toEpoch(slots, choices, epoch) {
  const moved = slots
    .filter(({ entry }) => entry.history)
    .map(({ kind, choice, entry }) => [
      kind,
      { key: choice.key, source: "epoch", index: Math.min(epoch, epochsOf(entry)) },
    ]);
  return { choices: { ...choices, ...Object.fromEntries(moved) } };
}

export function TimeView({ loupe }) {
  const { bench } = loupe;
  const epochs = lastEpoch(bench);
  if (!epochs)
    return html`<p class="lead-in">No history is kept of these networks; choose another above, or train one here.</p>`;
  const epoch = epochShown(bench);
  const slots = bench.slots.filter(({ entry }) => entry.history);
  const series = (name) => slots.map(({ kind, entry }) => ({ kind, values: entry.history[name] }));
  return html`<${Scrubber} loupe=${loupe} epoch=${epoch} epochs=${epochs} />
    <div class="charts">
      <${Curves} title="Training loss" series=${series("loss")} epochs=${epochs} most=${lossTop(series("loss"))}
        cursor=${epoch} reference=${LN2} />
      <${Curves} title="Share of training faces right" series=${series("accuracy")} epochs=${epochs} most=${1}
        cursor=${epoch} />
    </div>
    <p class="keys">${slots.map(
      ({ kind, entry }) => html`<span class=${`key ${kind}`}>
      ${kindName(kind)}, seed ${entry.history.seed}</span>`,
    )}</p>
    ${slots.map((slot) => html`<${Moment} key=${slot.kind} slot=${slot} />`)}
    <${Numbers} caption="Training loss and share of training faces right, epoch by epoch"
      head=${["Epoch", ...slots.flatMap(({ kind }) => [`${kindName(kind)} loss`, `${kindName(kind)} right`])]}
      rows=${() => rows(slots, epochs)} />`;
}

function Scrubber({ loupe, epoch, epochs }) {
  const { bench, state, update } = loupe;
  const go = (to) =>
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
      aria-valuetext=${text} onInput=${(event) => go(Number(event.target.value))} /><output>${text}</output></label>
  </div>`;
}

function Moment({ slot }) {
  const { kind, network } = slot;
  return html`<section class=${`moment ${kind}`}><h3>${kindName(kind)} · ${provenance(slot)}</h3>
    <p class="hint said-by">${silence(slot)}</p>
    ${
      kind === "cnn"
        ? html`<${Filters} slot=${slot} />`
        : html`<${HiddenWeights} network=${network}
      dead=${slot.survey.dead.hidden} />`
    }</section>`;
}

function Filters({ slot: { network, pass, survey } }) {
  const size = network.map[0] * network.map[1];
  return html`<div class="maps">${Array.from(
    { length: network.filters },
    (_, filter) => html`<figure class="panel-map">
      <${Heat} values=${pass.conv} offset=${filter * size} shape=${network.map}
        scale=${{ kind: "diverging", limit: survey.conv, rectified: true }} dead=${survey.dead.conv[filter]}
        label=${`Filter ${filter + 1}'s map after the ReLU${survey.dead.conv[filter] ? ", silent for every face" : ""}`}
          />
      <figcaption><${Kernel} network=${network} filter=${filter} />
        <span>Filter ${filter + 1}${survey.dead.conv[filter] ? html`<br />silent` : ""}</span></figcaption></figure>`,
  )}</div>
    <${Ramp} limit=${survey.conv} unit="activation" rectified=${true} />`;
}

function HiddenWeights({ network: { hidden, height, width, weights }, dead }) {
  const values = weights["hidden.weight"];
  const limit = largest(values);
  return html`<div class="maps">${Array.from(
    { length: hidden },
    (_, unit) => html`<figure class="panel-map">
      <${Heat} values=${values} offset=${unit * height * width} shape=${[height, width]}
        scale=${{ kind: "diverging", limit }} dead=${dead[unit]}
        label=${`Weights of hidden unit ${unit + 1}${dead[unit] ? ", silent for every face" : ""}`} />
      <figcaption><span>Hidden unit ${unit + 1}${dead[unit] ? html`<br />silent` : ""}</span></figcaption></figure>`,
  )}</div>
    <${Ramp} limit=${limit} unit="weight" />`;
}

function rows(slots, epochs) {
  const cells = ({ entry: { history } }, index) =>
    index in history.loss ? [number(history.loss[index], 4), percent(history.accuracy[index])] : ["", ""];
  return Array.from({ length: epochs }, (_, index) => [index + 1, ...slots.flatMap((slot) => cells(slot, index))]);
}
