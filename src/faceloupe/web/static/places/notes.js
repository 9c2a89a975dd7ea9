/**
 * What is noted of a person beside the name: the metadata, as pairs of a name and a text.
 *
 * Only what was changed here is sent, as a merge patch (RFC 7396): what others note meanwhile stays, and so do numbers
 * that JavaScript cannot hold.
 */

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

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** What makes one object of the other. */
function patchOf(before, after) {
  const removed = Object.keys(before).filter((key) => !Object.hasOwn(after, key));
  const changed = Object.entries(after).filter(
    ([key, value]) => !Object.hasOwn(before, key) || JSON.stringify(value) !== JSON.stringify(before[key]),
  );
  return Object.fromEntries([
    ...removed.map((key) => [key, null]),
    ...changed.map(([key, value]) => [
      key,
      isObject(value) && isObject(before[key]) ? patchOf(before[key], value) : value,
    ]),
  ]);
}

/** Whether a number in it is too large to be sent as it was written. */
function isTooLarge(value) {
  if (typeof value === "number") return Math.abs(value) > Number.MAX_SAFE_INTEGER;
  return typeof value === "object" && value !== null && Object.values(value).some(isTooLarge);
}

export function Notes({ person, onClose, onDone }) {
  const [notes, setNotes] = useState(() => [
    ...Object.entries(person.metadata).map(([key, value]) => rowOf(key, value)),
    rowOf(),
  ]);
  const change = (row, more) => setNotes((all) => all.map((other) => (other === row ? { ...row, ...more } : other)));
  const filled = notes.filter(({ key, text }) => key.trim() || text.trim());
  const keys = filled.map(({ key }) => key.trim());
  const metadata = patchOf(person.metadata, Object.fromEntries(filled.map((row) => [row.key.trim(), valueOf(row)])));
  const lacks = keys.includes("")
    ? "Each note has a name."
    : new Set(keys).size < keys.length
      ? "Two notes have one name."
      : isTooLarge(metadata) && "A number is too large to be kept exactly: remove it, and add it as a new note.";
  const [save, saving] = useDoing(async () => {
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
