/** Enrolling: photographs, a name, a note on consent, and what the photographs lack before anything is kept. */

import { call } from "../api.js";
import { useDoing } from "../hooks.js";
import { Check, Dialog, Field, Loading, Notice, Shortcomings, say } from "../parts.js";
import { Picker } from "../picker.js";
import { FaceOf } from "../picture.js";
import { html, useRef, useState } from "../ui.js";
import { count } from "../words.js";

const MOST = 20; // photographs of one enrolment

function useForm(name) {
  const [form, setForm] = useState({ name, consent: "", keep_faces: true, force: false });
  return [form, (more) => setForm((last) => ({ ...last, ...more }))];
}

/** Send an enrolment once, however often it is sent: the same key comes with each try of the same. */
function useEnrolment() {
  const key = useRef({ of: "", key: "" });
  return useDoing((form, photos) => {
    const of = JSON.stringify([form, photos.map(({ id }) => id)]);
    if (key.current.of !== of) key.current = { of, key: Array.from(crypto.getRandomValues(new Uint32Array(4))).join("-") };
    return call("/people", {
      form: { ...form, name: form.name.trim(), central: true, photos: photos.map(({ blob }) => blob) },
      headers: { "Idempotency-Key": key.current.key },
    });
  });
}

function Fields({ form, change, poor }) {
  return html`<${Field} label="Name" required value=${form.name} maxlength="200" onInput=${(event) => change({ name: event.target.value })} />
    <${Field} label="Note on consent" value=${form.consent} maxlength="2000" onInput=${(event) => change({ consent: event.target.value })}
      hint="When and how the person agreed; faces are personal data." />
    <${Check} label="Keep the face chips too, to be seen in the record" checked=${form.keep_faces} onChange=${(keep_faces) => change({ keep_faces })} />
    ${poor && html`<${Check} label="Enrol it although the quality is poor" checked=${form.force} onChange=${(force) => change({ force })} />`}`;
}

/** A face of a photograph at hand, enrolled from where it was found. */
export function EnrolFace({ photo, name, shortcomings, onClose, onEnrolled }) {
  const [form, change] = useForm(name);
  const [enrol, enrolling] = useEnrolment();
  const single = useRef(null);
  async function submit(event) {
    event.preventDefault();
    single.current ??= await photo();
    const done = await enrol(form, [single.current]);
    if (done) onEnrolled(done.name);
  }
  return html`<${Dialog} title="Enrol this face" onClose=${onClose}><form onSubmit=${submit}>
    <${Shortcomings} list=${shortcomings} />
    <${Fields} form=${form} change=${change} poor=${shortcomings.length > 0} />
    <${Notice} problem=${enrolling.problem} />
    <p class="buttons"><button class="main" disabled=${enrolling.busy}>Enrol</button>
      <button type="button" onClick=${onClose}>Cancel</button></p></form></${Dialog}>`;
}

/** The whole form: several photographs of one person. */
export function Enrol({ known = "", onEnrolled }) {
  const [form, change] = useForm(known);
  const [entries, setEntries] = useState([]);
  const [enrol, enrolling] = useEnrolment();
  const [done, setDone] = useState(null);

  async function add(photos) {
    const room = photos.slice(0, MOST - entries.length).map((photo) => ({ photo, found: null, problem: null }));
    setEntries((all) => [...all, ...room]);
    setDone(null);
    for (const { photo } of room) {
      const more = await call("/detect", { form: { photo: photo.blob } }).then((found) => ({ found }), (problem) => ({ problem }));
      setEntries((all) => all.map((one) => (one.photo === photo ? { ...one, ...more } : one)));
      say(`${photo.name}: ${hint(more)}`);
    }
  }
  async function submit(event) {
    event.preventDefault();
    const result = await enrol(form, entries.map(({ photo }) => photo));
    if (!result) return;
    setDone(result);
    setEntries([]);
    change({ name: known, consent: "", force: false });
    say(`${count(result.enrolled.length, "photograph")} of ${result.name} enrolled.`);
    onEnrolled?.();
  }
  const usable = entries.some(({ found }) => found?.faces.length);
  const poor = entries.some(({ found }) => found && centralOf(found)?.shortcomings.length);
  return html`<form class="enrol" onSubmit=${submit}>
    ${done && html`<${Done} done=${done} />`}
    <div><${Picker} many paste compact=${entries.length > 0} onPhotos=${add} title=${entries.length ? "Another photograph" : "Photographs of one person"} />
    ${entries.length > 0 && html`<ul class="to-enrol">${entries.map(
      (entry) => html`<${ToEnrol} key=${entry.photo.id} entry=${entry} onRemove=${() => setEntries((all) => all.filter((one) => one !== entry))} />`,
    )}</ul>`}</div>
    <div class="fields"><${Fields} form=${form} change=${change} poor=${poor} />
    <${Notice} problem=${enrolling.problem} />
    <p class="buttons"><button class="main" disabled=${enrolling.busy || !usable || !form.name.trim()}>Enrol</button>
      ${!usable && html`<span class="quiet">A photograph with a face first.</span>`}</p></div>
  </form>`;
}

function ToEnrol({ entry: { photo, found, problem }, onRemove }) {
  const face = found && centralOf(found);
  return html`<li>
    ${face && photo.bitmap ? html`<${FaceOf} photo=${photo} face=${face} size=${found.size} side=${72} />` : photo.url ? html`<img src=${photo.url} alt="" />` : html`<span class="no-picture"></span>`}
    <div><p class="file-name">${photo.name}</p>
      ${!found && !problem && html`<${Loading} what="Looking at it" />`}
      ${problem && html`<p class="short">${problem.detail}</p>`}
      ${found && found.faces.length > 1 && html`<p class="quiet">Of ${found.faces.length} faces the one nearest the centre is taken.</p>`}
      ${found && !face && html`<p class="short">No face was found.</p>`}
      ${face && html`<${Shortcomings} list=${face.shortcomings} />`}
      <button type="button" class="plain" onClick=${onRemove}>Remove<span class="heard-only"> ${photo.name}</span></button></div>
  </li>`;
}

function Done({ done }) {
  return html`<div class="done" role="status"><p class="empty-title">${done.name} is ${done.enrolled.length ? "enrolled" : "as before"}</p>
    <p>${count(done.enrolled.length, "photograph")} enrolled${done.already_enrolled.length ? `, ${done.already_enrolled.length} known before` : ""}.</p>
    <${Remarks} photographs=${done.refused} />
    ${done.doubtful.length > 0 && html`<p>Enrolled, but look again: is it somebody else?</p>`}
    <${Remarks} photographs=${done.doubtful} /></div>`;
}

/** The face nearest the centre, which the server takes too. */
function centralOf({ faces, size: [width, height] }) {
  const away = ({ detection: { box } }) => Math.hypot(box.x + (box.width - width) / 2, box.y + (box.height - height) / 2);
  return [...faces].sort((one, other) => away(one) - away(other))[0];
}

function hint({ found, problem }) {
  if (problem) return problem.detail;
  const face = centralOf(found);
  if (!face) return "no face was found.";
  return face.shortcomings.length ? `${face.shortcomings.join("; ")}.` : "good enough to be enrolled.";
}

function Remarks({ photographs }) {
  return photographs.length > 0 && html`<ul class="short">
    ${photographs.map(({ path, reason }) => html`<li key=${path}>${path}: ${reason}</li>`)}</ul>`;
}
