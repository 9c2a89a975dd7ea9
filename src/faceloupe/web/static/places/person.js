/** One person: what is kept, what was done, and what can be done. */

import { call } from "../api.js";
import { Chip } from "../chip.js";
import { useDoing, useLoaded, useTitle } from "../hooks.js";
import { Ask, Field, Loaded, say } from "../parts.js";
import { may } from "../session.js";
import { html, useEffect, useState } from "../ui.js";
import { called, count, day, entryWords, moment, poseWords } from "../words.js";
import { Enrol } from "./enrolling.js";
import { Notes, textOf } from "./notes.js";

const MOST = 20; // others to merge with, listed at once

export function Person({ id, shelf }) {
  const record = useLoaded((signal) => call(`/people/${id}`, { signal }), [id]);
  useTitle(record.value?.person.name ?? "A person", "People");
  return html`<p class="back"><a href="#people">← Everybody</a></p>
    ${!record.value && html`<h1 tabindex="-1" class="heard-only">A person</h1>`}
    <${Loaded} from=${record} what="the record">
      ${(value) => html`<${Record} record=${value} again=${record.again} shelf=${shelf} />`}</${Loaded}>`;
}

function Record({ record: { person, references, history }, again, shelf }) {
  const [dialog, setDialog] = useState(null); // the one that is open, and of which reference
  const [adding, setAdding] = useState(false);
  const close = () => setDialog(null);
  const done = (sentence) => {
    close();
    say(sentence);
    again();
  };
  useEffect(() => {
    document.querySelector("h1")?.focus();
  }, []);
  return html`<div class="intro"><h1 tabindex="-1">${called(person)}</h1>
      <p>Number ${person.id}, enrolled ${day(person.created)}, ${count(references.length, "reference")}.</p></div>
    <${Actions} adding=${adding} onAdd=${() => setAdding(!adding)} onAsk=${(Dialog) => setDialog({ Dialog })} />
    ${
      adding &&
      html`
        <section class="adding" aria-label="Add photographs">
          <${Enrol} known=${person} shelf=${shelf} onEnrolled=${again} /></section>`
    }
    <h2>References</h2>
    <ul class="references">
      ${references.map(
        (reference) => html`
            <${Reference} key=${reference.id} reference=${reference} person=${person} onRemove=${
              may("remove") && references.length > 1 && (() => setDialog({ Dialog: Remove, reference }))
            } />`,
      )}</ul>
    <${Metadata} metadata=${person.metadata} />
    <${Consent} consent=${person.consent} />
    <${History} history=${history} />
    ${
      dialog &&
      html`<${dialog.Dialog} person=${person} references=${references} reference=${dialog.reference} onClose=${close}
        onDone=${done} />`
    }`;
}

/** What can be done to the person; `onAsk` opens a dialog. */
const Actions = ({ adding, onAdd, onAsk }) => html`<div class="buttons">
  ${
    may("enrol") &&
    html`<button type="button" aria-expanded=${String(adding)} onClick=${onAdd}>Add photographs</button>
      <button type="button" onClick=${() => onAsk(NameAndId)}>Name and id</button>
      <button type="button" onClick=${() => onAsk(Notes)}>Notes</button>`
  }
  ${
    may("remove") &&
    html`<button type="button" onClick=${() => onAsk(Merge)}>Merge</button>
      <button type="button" class="danger" onClick=${() => onAsk(Forget)}>Forget</button>`
  }</div>`;

const Metadata = ({ metadata }) =>
  Object.keys(metadata).length > 0 &&
  html`<h2>Notes</h2>
    <dl class="noted">${Object.entries(metadata).map(
      ([key, value]) => html`<dt key=${key}>${key}</dt><dd>${textOf(value)}</dd>`,
    )}</dl>`;

const Consent = ({ consent }) => html`<h2>Consent</h2>
  ${
    consent
      ? consent.split("\n").map((line, index) => html`<p key=${index}>${line}</p>`)
      : html`<p class="quiet">Nothing was noted.</p>`
  }`;

const History = ({ history }) => html`<h2>History</h2>
  <ol class="history">
    ${history.map(
      (entry) => html`
          <li key=${entry.id}><time class="quiet" datetime=${entry.at}>${moment(entry.at)}
            </time> <span>${entryWords(entry)}</span> <span class="quiet">by ${entry.who}</span></li>`,
    )}</ol>`;

function Reference({ reference: { id, created, quality, has_face: hasFace }, person, onRemove }) {
  return html`<li>
      ${
        hasFace
          ? html`<${Chip} person=${person.id} reference=${id} />`
          : html`<span class="no-picture">no picture kept</span>`
      }
    <div><p><b>Reference ${id}</b><br />${day(created)}<br />
        <span class="quiet">
            eyes ${quality.eye_distance.toFixed(0)} pixels apart, looks ${poseWords(quality.pose)}</span></p>
    ${
      onRemove &&
      html`
        <button type="button" class="plain" aria-label=${`Remove reference ${id}`} onClick=${onRemove}>Remove
        </button>`
    }</div></li>`;
}

function NameAndId({ person, onClose, onDone }) {
  const [name, setName] = useState(person.name);
  const [id, setId] = useState(person.external_id ?? "");
  const [change, changing] = useDoing(async () => {
    const json = { name: name.trim(), external_id: id.trim() };
    const changed = await call(`/people/${person.id}`, { method: "PATCH", json });
    onDone(`${called(person)} is ${called(changed)} now.`);
  });
  return html`<${Ask} title="Name and external id" verb="Save" ready=${name.trim()} ...${changing} onDo=${change}
      onClose=${onClose}>
    <${Field} label="Name" required maxlength="200" value=${name} onInput=${(event) => setName(event.target.value)} />
    <${Field} label="External id" maxlength="200" value=${id} onInput=${(event) => setId(event.target.value)}
      hint="What the person is called elsewhere, such as a staff number; empty takes it away." /></${Ask}>`;
}

function Merge({ person, onClose }) {
  const [search, setSearch] = useState("");
  const [chosen, setChosen] = useState(null);
  const people = useLoaded(
    (signal) => call(`/people?${new URLSearchParams({ search: search.trim(), limit: String(MOST) })}`, { signal }),
    [search],
  );
  const others = (people.value?.people ?? []).filter(({ id }) => id !== person.id);
  const into = others.find(({ id }) => id === chosen); // one who can be seen, or nobody
  const [merge, merging] = useDoing(async () => {
    await call(`/people/${person.id}/merge`, { json: { into: into.id } });
    onClose();
    say(`${person.name} and ${into.name} are one person now.`);
    location.hash = `people/${into.id}`;
  });
  function look(event) {
    setSearch(event.target.value);
    setChosen(null);
  }
  return html`<${Ask} title=${`Merge ${person.name} into another`} verb=${into ? `Merge into ${into.name}` : "Merge"}
      ready=${into !== undefined} busy=${merging.busy} problem=${merging.problem ?? people.problem}
      onDo=${merge} onClose=${onClose}>
    <p>When two entries are one person: all references go to the other, and ${person.name} is removed. This cannot be
          taken back.</p>
    <${Field} label="Search for the other" value=${search} onInput=${look} />
    <fieldset class="choices"><legend>The other</legend>
      ${others.map(
        (other) => html`
            <label class="check" key=${other.id}>
              <input type="radio" name="into" checked=${other === into} onChange=${() => setChosen(other.id)} />
              <span>${called(other)} <span class="quiet">${count(other.references, "reference")}</span></span></label>`,
      )}
      ${people.value?.next && html`<p class="quiet">There are more than ${MOST}: search for the other by name.</p>`}
      ${people.value && !others.length && html`<p class="quiet">Nobody else is found.</p>`}</fieldset></${Ask}>`;
}

function Remove({ reference: { id, has_face: hasFace }, person, onClose, onDone }) {
  const [remove, removing] = useDoing(async () => {
    await call(`/people/${person.id}/references/${id}`, { method: "DELETE" });
    onDone(`Reference ${id} of ${person.name} is erased.`);
  });
  return html`<${Ask} title=${`Remove reference ${id}?`} verb="Remove" danger ...${removing} onDo=${remove}
      onClose=${onClose}>
    <p>Its template${hasFace ? " and its face chip are" : " is"} erased from the gallery and from the bytes of its
          files. ${person.name} is recognised by the others.</p></${Ask}>`;
}

/** Asks twice: the name has to be typed, for nothing brings the person back. */
function Forget({ person, references, onClose }) {
  const [typed, setTyped] = useState("");
  const [forget, forgetting] = useDoing(async () => {
    const gone = await call(`/people/${person.id}`, { method: "DELETE" });
    onClose();
    say(`${person.name} is forgotten: ${count(gone.references, "reference")} erased.`);
    location.hash = "people";
  });
  const faces = references.filter(({ has_face: hasFace }) => hasFace).length;
  return html`<${Ask} title=${`Forget ${person.name}?`} verb="Forget" danger
      ready=${typed.trim() === person.name.trim()} ...${forgetting} onDo=${forget} onClose=${onClose}>
    <p>Erased from the gallery and from the bytes of its files:</p>
    <ul class="erased"><li>the name and the note on consent,</li><li>${count(references.length, "template")},</li>
      <li>${faces ? count(faces, "face chip") : "no face chips, for none were kept"}.</li></ul>
    <p>The trail keeps the number ${person.id} and what was done. Nothing brings the person back.</p>
    <${Field} label=${`Type ${person.name} to go on`} value=${typed} onInput=${(event) => setTyped(event.target.value)}
      /></${Ask}>`;
}
