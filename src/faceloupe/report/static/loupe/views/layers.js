/**
 * One picture of all layers: each with what it makes of the face, then one layer alone, then one number of it.
 *
 * @typedef {import("loupe/views/app").Loupe} Loupe
 * @typedef {import("loupe/views/scope").Scope} Scope
 * @typedef {import("loupe/study").Slot} Slot
 */

import { html } from "preact-htm";
import { area, volume } from "loupe/layers";
import { parametersOf } from "loupe/network";
import { Heat, Ramp } from "loupe/views/map";
import { Choice } from "loupe/views/parts";
import { ScopeChoice, isSilent, moverOn, scopeOf } from "loupe/views/scope";
import { activationName, channelName, count, layerWords, place, signed } from "loupe/words";

const MOST_CHANNELS = 4; // of a layer in the overview
const MOST_UNITS = 64; // of a row in the overview

/** Where the number of a layer is taken apart. @type {Record<string, [string, string]>} */
const WAYS = {
  convolution: ["microscope", "See the products that made it"],
  pooling: ["pooling", "See the window that it comes from"],
  dense: ["ledger", "See what made the logit"],
};

/** @param {{loupe: Loupe}} props */
export function LayersView({ loupe }) {
  const scope = scopeOf(loupe);
  if (!scope) return null;
  const { slot } = scope;
  const items = slot.network.layers.map((layer, index) => ({
    key: index,
    label: `${layer.name}, ${layerWords(layer)}, ${layer.output.join(" by ")} numbers`,
    class: "layer-card",
    content: html`<${Card} slot=${slot} index=${index} />`,
  }));
  const choose = (/** @type {number} */ layer) => loupe.update({ scope: slot.kind, layer });
  return html`<p class="lead-in">The face goes through ${count(slot.network.layers.length, "layer")} with
      ${" "}${count(parametersOf(slot.network), "parameter")}. Choose a layer, then walk over its numbers.</p>
    <${ScopeChoice} loupe=${loupe} scope=${{ ...scope, places: [] }} />
    <div class="scroll overview" tabindex="0" role="group" aria-label="All layers">
      <${Choice} label="Layer" class="layer-row" items=${items} chosen=${scope.index} onChoose=${choose} /></div>
    <${OneLayer} loupe=${loupe} scope=${scope} />`;
}

/** @param {{slot: Slot, index: number}} props */
function Card({ slot, index }) {
  const layer = slot.network.layers[index];
  const learned = ["weight", "bias"].map((part) => slot.network.weights[`${layer.name}.${part}`]?.length ?? 0);
  const parameters = learned[0] + learned[1];
  return html`<span class="card-name">${layer.name}</span><span class="card-words">${layerWords(layer)}</span>
    <${Thumbnails} slot=${slot} index=${index} />
    <span class="card-words">${layer.output.join(" × ")}</span>
    <span class="card-words">${parameters ? count(parameters, "parameter") : "learns nothing"}</span>`;
}

/** @param {{slot: Slot, index: number}} props */
function Thumbnails({ slot, index }) {
  const { output } = slot.network.layers[index];
  const scale = { kind: "diverging", limit: slot.survey.limits[index] };
  const values = slot.pass.outputs[index];
  if (output.length < 3) {
    const shown = Math.min(output[0], MOST_UNITS);
    const columns = Math.ceil(Math.sqrt(shown));
    const padded = new Float32Array(columns * Math.ceil(shown / columns));
    padded.set(values.subarray(0, shown));
    const few = shown <= 8;
    /** @type {[number, number]} */
    const shape = few ? [shown, 1] : [padded.length / columns, columns];
    return html`<span class=${`thumbnails ${few ? "bar-of-units" : ""}`} aria-hidden="true">
        <${Heat} values=${few ? values : padded} shape=${shape}
      scale=${scale} label="" /></span>`;
  }
  const shape = [output[1], output[2]];
  const shown = Math.min(output[0], MOST_CHANNELS);
  return html`<span class="thumbnails" aria-hidden="true">${Array.from(
    { length: shown },
    (_, channel) => html`<${Heat} key=${channel} values=${values} offset=${channel * area([output[1], output[2]])}
    shape=${shape} scale=${scale} label="" />`,
  )}${output[0] > shown && html`<small>+ ${output[0] - shown}</small>`}</span>`;
}

/** @param {{loupe: Loupe, scope: Scope}} props */
function OneLayer({ loupe, scope }) {
  const { update } = loupe;
  const { slot, index, layer, cell, channels, shape } = scope;
  const flat = layer.output.length < 3;
  const columns = flat ? Math.min(28, channels) : shape[1];
  /** @type {[number, number]} */
  const grid = flat ? [Math.ceil(channels / columns), columns] : shape;
  const values = slot.pass.outputs[index];
  const at = flat ? cell.filter : cell.filter * area(shape) + cell.row * shape[1] + cell.column;
  const where = flat
    ? `${channelName(layer)} ${cell.filter + 1}`
    : `Filter ${cell.filter + 1}, ${place(cell.row, cell.column)}`;
  const way = WAYS[layer.kind];
  const toUnit = (/** @type {import("loupe/views/map").Place} */ to) => {
    const filter = Math.min(to.row * columns + to.column, channels - 1);
    update({ scope: slot.kind, layer: index, cell: { ...cell, filter } });
  };
  return html`<section class="one-layer" aria-label=${layer.name}><h3>${layer.name}: ${layerWords(layer)}</h3>
    <p class="hint">${madeOf(scope)}</p>
    <${Ramp} limit=${slot.survey.limits[index]} unit=${whenOf(scope)} />
    <div class=${flat ? "maps one flat-row" : channels > 8 ? "maps many" : "maps"}>${
      flat
        ? html`<${Heat} values=${filled(values, grid)} shape=${grid}
            scale=${{ kind: "diverging", limit: slot.survey.limits[index] }}
          label=${`${channels} units of ${layer.name}, in rows`}
            cursor=${{ row: Math.floor(cell.filter / columns), column: cell.filter % columns }}
          onMove=${toUnit} />`
        : Array.from(
            { length: channels },
            (_, channel) => html`<${Channel} key=${channel} loupe=${loupe} scope=${scope} channel=${channel} />`,
          )
    }</div>
    <p class="sum">${where}: <b>${signed(values[at])}</b></p>
    ${
      way &&
      html`<div class="row">
          <button type="button" onClick=${() => update({ view: way[0], scope: slot.kind, layer: index })}>
      ${way[1]}</button></div>`
    }</section>`;
}

/** @param {import("loupe/layers").Numbers} values @param {[number, number]} grid */
function filled(values, grid) {
  const padded = new Float32Array(area(grid));
  padded.set(values);
  return padded;
}

/** @param {{loupe: Loupe, scope: Scope, channel: number}} props */
function Channel({ loupe, scope, channel }) {
  const { slot, index, cell, shape } = scope;
  const dead = isSilent(slot, index, channel);
  const silent = dead ? ", silent for every face" : "";
  return html`<figure class="panel-map"><${Heat} values=${slot.pass.outputs[index]} offset=${channel * area(shape)}
    shape=${shape} scale=${{ kind: "diverging", limit: slot.survey.limits[index] }}
      dead=${dead && scope.layer.kind !== "convolution"}
    label=${`Filter ${channel + 1} ${whenOf(scope)}${silent}, ${shape.join(" by ")} values`}
    cursor=${channel === cell.filter ? cell : { ...cell, quiet: true }}
    onMove=${moverOn(loupe, scope, channel)} />
    <figcaption><span>Filter ${channel + 1}${silent}</span></figcaption></figure>`;
}

/** At what point the numbers are: "before the ReLU". @param {Scope} scope */
function whenOf({ slot: { network }, index, layer }) {
  if (layer.kind === "activation") return `after the ${activationName(layer)}`;
  const next = network.layers[index + 1];
  if (next?.kind === "activation") return `before the ${activationName(next)}`;
  return `after ${layer.name}`;
}

/** What the layer does, with its arithmetic. @param {Scope} scope */
function madeOf({ layer }) {
  const numbers = volume(layer.output).toLocaleString("en-GB");
  switch (layer.kind) {
    case "convolution": {
      const taps = `${layer.input[0]} × ${layer.kernel.join(" × ")}`;
      return `Each of ${numbers} numbers is the sum of ${taps} products and a bias: the filter slides.`;
    }
    case "pooling":
      return `Each number is the ${layer.average ? "mean" : "largest"} of a window of ${layer.size.join(" × ")}.`;
    case "activation":
      return layer.function === "tanh"
        ? "Each number is bent into the range from −1 to 1."
        : `What is above 0 stays; what is below becomes ${layer.slope ? `${layer.slope} times itself` : "0"}.`;
    case "normalisation":
      return "Each channel times one number plus another, which training chose so that its mean and spread suit.";
    case "dropout":
      return "In training some numbers are left out by chance; now all pass unchanged.";
    case "flatten":
      return `The maps are laid in one row of ${numbers} numbers; nothing is learned.`;
    default:
      return `Each unit sums ${volume(layer.input).toLocaleString("en-GB")} numbers, times its weights, and a bias.`;
  }
}
