/** The small controls that every view shares. */

import { html, useState } from "preact-htm";

/** @param {Event} event */
export const valueOf = ({ currentTarget }) => /** @type {HTMLInputElement | HTMLSelectElement} */ (currentTarget).value;

/** @param {{label: string, value: number, range: number[], text: string, onInput: (value: number) => void}} props */
export function Slider({ label, value, range: [least, most, by], text, onInput }) {
  return html`<label class="slider"><span>${label}</span>
    <input type="range" min=${least} max=${most} step=${by} value=${value} aria-valuetext=${text}
      onInput=${(/** @type {Event} */ event) => onInput(Number(valueOf(event)))} />
    <output>${text}</output></label>`;
}

/**
 * One of a few: radio buttons that look like a switch.
 *
 * @typedef {(value: string) => void} Listener
 * @param {{legend: string, name: string, options: string[][], value: string, onChange: Listener}} props
 */
export function Switch({ legend, name, options, value, onChange }) {
  return html`<fieldset class="switch"><legend>${legend}</legend><div>
    ${options.map(
      ([key, label]) => html`<label><input type="radio" name=${name} value=${key} checked=${key === value}
      onChange=${() => onChange(key)} /><span>${label}</span></label>`,
    )}
  </div></fieldset>`;
}

/**
 * One of many, by name.
 *
 * @param {{label: string, options: (string | number)[][], value: string | number, onChange: Listener}} props
 */
export function Pick({ label, options, value, onChange }) {
  return html`<label class="pick"><span>${label}</span><select value=${value}
    onChange=${(/** @type {Event} */ event) => onChange(valueOf(event))}>
    ${options.map(([key, text]) => html`<option value=${key} selected=${key === value}>${text}</option>`)}
  </select></label>`;
}

/**
 * The numbers behind a picture, made only when somebody asks.
 *
 * @param {{caption: string, head: (string | number)[], rows: () => (string | number)[][], summary?: string}} props
 */
export function Numbers({ caption, head, rows, summary = "Show numbers" }) {
  const [open, setOpen] = useState(false);
  const toggle = (/** @type {Event} */ { currentTarget }) =>
    setOpen(/** @type {HTMLDetailsElement} */ (currentTarget).open);
  return html`<details open=${open} onToggle=${toggle}><summary>${summary}</summary>
    ${
      open &&
      html`<div class="scroll" tabindex="0" role="group" aria-label=${caption}><table><caption>${caption}</caption>
      <thead><tr>${head.map((name, index) => html`<th scope="col" class=${index ? "right" : ""}>${name}</th>`)}</tr>
        </thead>
      <tbody>${rows().map(
        ([first, ...rest]) => html`<tr><th scope="row">${first}</th>
        ${rest.map((cell) => html`<td class="right">${cell}</td>`)}</tr>`,
      )}</tbody>
    </table></div>`
    }
  </details>`;
}

/**
 * A row of buttons of which one is chosen, walked with the arrow keys: one stop of the keyboard.
 *
 * @template K
 * @typedef {{key: K, label: string, content: unknown, class?: string}} Item
 */

/**
 * @template K
 * @param {{label: string, items: Item<K>[], chosen: K | null, onChoose: (key: K) => void, class?: string}} props
 */
export function Choice({ label, items, chosen, onChoose, class: name = "" }) {
  const stop = items.some(({ key }) => key === chosen) ? chosen : items[0]?.key;
  return html`<div role="radiogroup" aria-label=${label} class=${name}
    onKeyDown=${(/** @type {KeyboardEvent} */ event) => walk(event, items, onChoose)}>
    ${items.map(
      (item) => html`<button type="button" role="radio" key=${item.key} class=${item.class ?? ""}
        aria-checked=${item.key === chosen} aria-label=${item.label} title=${item.label}
        tabindex=${item.key === stop ? 0 : -1} onClick=${() => onChoose(item.key)}>${item.content}</button>`,
    )}
  </div>`;
}

/**
 * Move focus and choice along the buttons of a group.
 *
 * @template K
 * @param {KeyboardEvent} event
 * @param {{key: K}[]} items
 * @param {(key: K) => void} onChoose
 */
export function walk(event, items, onChoose) {
  const group = /** @type {HTMLElement} */ (event.currentTarget);
  const buttons = [...group.querySelectorAll("button")];
  const here = buttons.findIndex((button) => button === document.activeElement);
  const to = {
    ArrowLeft: here - 1,
    ArrowUp: here - 1,
    ArrowRight: here + 1,
    ArrowDown: here + 1,
    Home: 0,
    End: items.length - 1,
  }[event.key];
  if (to === undefined || here < 0) return;
  event.preventDefault();
  const index = (to + items.length) % items.length;
  buttons[index].focus();
  onChoose(items[index].key);
}
