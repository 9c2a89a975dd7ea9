/**
 * Which layer of which network is looked at, and the control that chooses.
 *
 * @typedef {import("loupe/views/app").Loupe} Loupe
 * @typedef {import("loupe/layers").Layer} Layer
 * @typedef {import("loupe/network").Network} Network
 *
 * @typedef {object} Scope
 * @property {import("loupe/study").Slot} slot
 * @property {number} index  Of the layer.
 * @property {Layer} layer
 * @property {number[]} places  Of the layers that can be chosen.
 * @property {import("loupe/study").Slot[]} slots  The networks that have such layers.
 * @property {number} channels  Of its output.
 * @property {[number, number]} shape  Of one channel.
 * @property {import("loupe/store").Cell} cell  The cursor, within it.
 */

import { html } from "preact-htm";
import { placesOf } from "loupe/network";
import { within } from "loupe/views/map";
import { Pick } from "loupe/views/parts";
import { layerWords } from "loupe/words";

/**
 * The layer that the state names, or the nearest that there is.
 *
 * @param {Pick<Loupe, "state" | "bench">} loupe
 * @param {Layer["kind"]} [kind]  Only layers of this kind.
 * @returns {Scope | null}  Null if no network has such a layer.
 */
export function scopeOf({ state, bench }, kind) {
  const placesIn = (/** @type {Network} */ network) =>
    kind ? placesOf(network, kind) : network.layers.map((_, index) => index);
  const slots = bench.slots.filter(({ network }) => placesIn(network).length);
  const slot = slots.find((one) => one.kind === state.scope) ?? slots.at(-1);
  if (!slot) return null;
  const places = placesIn(slot.network);
  const index = places.includes(state.layer)
    ? state.layer
    : (places.find((place) => place >= state.layer) ?? places[0]);
  const layer = slot.network.layers[index];
  const [channels, rows = 1, columns = 1] = layer.output;
  const cell = within(state.cell, channels, [rows, columns]);
  return { slot, index, layer, places, slots, channels, shape: [rows, columns], cell };
}

/**
 * The activation that a layer's numbers go through next, past a normalisation; -1 without one.
 *
 * @param {Network} network @param {number} index
 */
export function activationAfter({ layers }, index) {
  let next = index + 1;
  while (["normalisation", "dropout"].includes(layers[next]?.kind)) next++;
  return layers[next]?.kind === "activation" ? next : -1;
}

/**
 * What a move on a channel's map does: the cursor goes there, and the layer is the one looked at.
 *
 * @param {Loupe} loupe
 * @param {Scope} scope
 * @param {number} filter
 * @returns {import("loupe/views/map").Mover}
 */
export function moverOn({ update }, { slot, index }, filter) {
  return (to) => update({ scope: slot.kind, layer: index, cell: { filter, ...to } });
}

/**
 * Whether no face wakes a channel of a layer.
 *
 * @param {Scope["slot"]} slot @param {number} index @param {number} channel
 */
export function isSilent({ network, survey }, index, channel) {
  const { layers } = network;
  let activation = layers[index].kind === "activation" ? index : activationAfter(network, index);
  if (layers[index].kind === "pooling")
    activation = layers.findLastIndex(({ kind }, at) => at < index && kind === "activation");
  return survey.silences.find(({ layer }) => layer === activation)?.units[channel] ?? false;
}

/** @param {{loupe: Loupe, scope: Scope}} props */
export function ScopeChoice({ loupe: { update }, scope: { slot, index, places, slots } }) {
  const networks = slots.map(({ kind, title }) => [kind, title]);
  const layers = places.map((place) => [
    place,
    `${slot.network.layers[place].name}: ${layerWords(slot.network.layers[place])}`,
  ]);
  return html`<div class="row scope">
    ${
      slots.length > 1 &&
      html`<${Pick} label="Network" options=${networks} value=${slot.kind}
      onChange=${(/** @type {string} */ scope) => update({ scope, layer: 0 })} />`
    }
    ${
      places.length > 1 &&
      html`<${Pick} label="Layer" options=${layers} value=${index}
      onChange=${(/** @type {string} */ layer) => update({ scope: slot.kind, layer: Number(layer) })} />`
    }
  </div>`;
}
