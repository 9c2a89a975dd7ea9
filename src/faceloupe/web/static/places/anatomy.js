/** A network layer by layer, as text. */

import { call } from "../api.js";
import { useLoaded } from "../hooks.js";
import { Loaded } from "../parts.js";
import { html, useState } from "../ui.js";

export function Anatomy({ network }) {
  const [open, setOpen] = useState(false);
  return html`<details class="anatomy" open=${open} onToggle=${(event) => setOpen(event.target.open)}><summary>Its layers</summary>
    ${open && html`<${Layers} id=${network.id} />`}</details>`;
}

function Layers({ id }) {
  const anatomy = useLoaded((signal) => call(`/networks/${encodeURIComponent(id)}`, { signal }), [id]);
  return html`<${Loaded} from=${anatomy} what="the layers">${(value) => html`<div class="scroll-x" tabindex="0" role="group" aria-label="Layers"><table>
    <caption class="heard-only">Layers</caption>
    <thead><tr><th scope="col">Layer</th><th scope="col">Kind</th><th scope="col">Output</th><th scope="col" class="right">Parameters</th></tr></thead>
    <tbody>${value.layers.map((layer) => html`<tr key=${layer.name}><th scope="row">${layer.name}</th><td>${layer.kind}</td><td>${shapeOf(layer)}</td><td class="right">${parametersOf(layer)}</td></tr>`)}</tbody>
  </table></div>`}</${Loaded}>`;
}

const shapeOf = ({ output_shape: shape }) => (shape ? shape.join(" × ") : "–");

const parametersOf = ({ parameters }) => parameters.toLocaleString("en-GB");
