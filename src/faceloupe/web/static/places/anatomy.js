/** A network layer by layer, as text; those to be shown can be chosen. */

import { Loaded } from "../parts.js";
import { html, useState } from "../ui.js";

/** @param {{anatomy: object, chosen: string[], onChoose: (names: string[]) => void}} props  `anatomy` as loaded */
export function Anatomy({ anatomy, chosen, onChoose }) {
  const [open, setOpen] = useState(false);
  return html`<details class="anatomy" open=${open} onToggle=${(event) => setOpen(event.target.open)}>
      <summary>Its layers, and which to show</summary>
    ${
      open &&
      html`
        <${Loaded} from=${anatomy} what="the layers">
          ${({ layers }) => html`<${Layers} layers=${layers} chosen=${chosen} onChoose=${onChoose} />`}</${Loaded}>`
    }
          </details>`;
}

function Layers({ layers, chosen, onChoose }) {
  const toggle = (name, on) =>
    onChoose(layers.map((layer) => layer.name).filter((layer) => (layer === name ? on : chosen.includes(layer))));
  return html`<p class="quiet">If none is chosen here, a few are chosen for you.</p>
  <div class="scroll-x" tabindex="0" role="group" aria-label="Layers"><table>
    <caption class="heard-only">Layers</caption>
    <thead><tr><th scope="col">Show</th><th scope="col">Layer</th><th scope="col">Kind</th><th scope="col">Output</th>
        <th scope="col" class="right">Parameters</th></tr></thead>
    <tbody>${layers.map(
      (layer) => html`
          <tr key=${layer.name}>
            <td><input type="checkbox" aria-label=${`Show ${layer.name}`} checked=${chosen.includes(layer.name)}
                onChange=${(event) => toggle(layer.name, event.target.checked)} /></td>
      <th scope="row">${layer.name}</th><td>${layer.kind}</td><td>${layer.output_shape.join(" × ")}</td>
        <td class="right">${layer.parameters.toLocaleString("en-GB")}</td></tr>`,
    )}</tbody>
  </table></div>`;
}
