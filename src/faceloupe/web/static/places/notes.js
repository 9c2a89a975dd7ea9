/** What is noted of a person beside the name: the metadata, as pairs of a name and a text. */

import { call } from "../api.js";
import { useDoing } from "../hooks.js";
import { Ask, Field } from "../parts.js";
import { html, useState } from "../ui.js";
import { called } from "../words.js";

/** A value as text: a text as it is, anything else as JSON. */
export const textOf = (value) => (typeof value === "string" ? value : JSON.stringify(value));

let rows = 0;

const rowOf = (key = "", value = /** @type {any} */ ("")) => ({ id: (rows += 1), key, text: textOf(value), value });

/** The value of a row: the one it had, unless its text was changed; what was no text stays none if it can. */
function valueOf({ text, value }) {
  if (text === textOf(value)) return value;
  try {
    return typeof value === "string" ? text : JSON.parse(text);
  } catch {
    return text;
  }
}

export function Notes({ person, onClose, onDone }) {
  const [notes, setNotes] = useState(() => [
    ...Object.entries(person.metadata).map(([key, value]) => rowOf(key, value)),
    rowOf(),
  ]);
  const change = (row, more) => setNotes((all) => all.map((other) => (other === row ? { ...row, ...more } : other)));
  const filled = notes.filter(({ key, text }) => key.trim() || text.trim());
  const keys = filled.map(({ key }) => key.trim());
  const lacks = keys.includes("")
    ? "Each note has a name."
    : new Set(keys).size < keys.length && "Two notes have one name.";
  const [save, saving] = useDoing(async () => {
    const metadata = Object.fromEntries(filled.map((row) => [row.key.trim(), valueOf(row)]));
    await call(`/people/${person.id}`, { method: "PATCH", json: { metadata } });
    onDone(`The notes on ${called(person)} are saved.`);
  });
  return html`<${Ask} title="Notes" verb="Save" ready=${!lacks} ...${saving} onDo=${save} onClose=${onClose}>
    <p class="quiet">What else to keep of this person, such as a department. It is kept with the name, and erased with
      it.</p>
    ${notes.map(
      (row, index) => html`
        <div class="note-row" key=${row.id} role="group" aria-label=${`Note ${index + 1}`}>
          <${Field} label="What" value=${row.key} maxlength="200"
            onInput=${(event) => change(row, { key: event.target.value })} />
          <${Field} label="Note" value=${row.text} onInput=${(event) => change(row, { text: event.target.value })} />
          <button type="button" class="plain" aria-label=${`Remove note ${index + 1}`}
            onClick=${() => setNotes((all) => all.filter((other) => other !== row))}>Remove</button></div>`,
    )}
    <p class="buttons"><button type="button" onClick=${() => setNotes((all) => [...all, rowOf()])}>Add a note</button>
      ${lacks && html`<span class="quiet">${lacks}</span>`}</p></${Ask}>`;
}
