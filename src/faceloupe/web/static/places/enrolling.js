/** Enrolling: photographs, a name, a note on consent, and what the photographs lack before anything is kept. */

import { call } from "../api.js";
import { entryOf, useDoing, useInTurn } from "../hooks.js";
import { Ask, Button, Check, Field, Loading, Notice, Shortcomings, say } from "../parts.js";
import { release } from "../photos.js";
import { Picker } from "../picker.js";
import { FaceOf } from "../picture.js";
import { html, useEffect, useRef, useState } from "../ui.js";
import { count } from "../words.js";

const MOST = 20; // photographs of one enrolment
const FRESH = { name: "", external_id: "", consent: "", keep_faces: false, force: false };
const NONE = [];

/** Return what sends an enrolment once, however often it is called: the same key comes with each try of the same. */
function useSending() {
  const last = useRef({ form: "", photos: [], key: "" });
  return (form, photos) => {
    const fields = JSON.stringify(form);
    const same =
      fields === last.current.form &&
      photos.length === last.current.photos.length &&
      photos.every((photo, at) => photo === last.current.photos[at]);
    if (!same)
      last.current = { form: fields, photos, key: Array.from(crypto.getRandomValues(new Uint32Array(4))).join("-") };
    return call("/people", {
      form: {
        ...form,
        name: form.name.trim(),
        external_id: form.external_id.trim() || undefined,
        central: true,
        photos,
      },
      headers: { "Idempotency-Key": last.current.key },
    });
  };
}

/**
 * @param {{form: import("documents").Enrolment, change: (more: object) => void, poor: boolean, known?: object}} props
 *   `known` has its name already
 */
function Fields({ form, change, poor, known }) {
  return html`${
    !known &&
    html`
        <${Field} label="Name" required value=${form.name} maxlength="200"
          onInput=${(event) => change({ name: event.target.value })} />
        <${Field} label="External id" value=${form.external_id} maxlength="200"
          onInput=${(event) => change({ external_id: event.target.value })}
          hint="What the person is called elsewhere, such as a staff number. Two people of one name each need one." />`
  }
    <${Field} label="Note on consent" value=${form.consent} maxlength="2000"
      onInput=${(event) => change({ consent: event.target.value })}
      hint="When and how the person agreed; faces are personal data." />
    <${Check} label="Keep the face chips too, to be seen in the record" checked=${form.keep_faces}
      onChange=${(keep_faces) => change({ keep_faces })} />
    ${
      poor &&
      html`
        <${Check} label="Enrol it although the quality is poor" checked=${form.force}
          onChange=${(force) => change({ force })} />`
    }`;
}

/** A face of a photograph at hand, enrolled from where it was found; `photo` gives a picture of it alone. */
export function EnrolFace({ photo, name, shortcomings, onClose, onEnrolled }) {
  const [form, setForm] = useState({ ...FRESH, name });
  const alone = useRef(null);
  const send = useSending();
  const [enrol, enrolling] = useDoing(async () => {
    alone.current ??= await photo();
    onEnrolled((await send(form, [alone.current])).name);
  });
  return html`<${Ask} title="Enrol this face" verb="Enrol" ...${enrolling} onDo=${enrol} onClose=${onClose}>
    <${Shortcomings} list=${shortcomings} />
    <${Fields} form=${form} change=${(more) => setForm((last) => ({ ...last, ...more }))}
      poor=${shortcomings.length > 0} /></${Ask}>`;
}

/**
 * The whole form: several photographs of one person. It stays as it is while one looks elsewhere.
 *
 * @param {{known?: {id: number, name: string}, shelf: (name: string, first: any) => [any, (next: any) => void],
 *   onEnrolled?: () => void}} props  `known` is enrolled already
 */
export function Enrol({ known, shelf, onEnrolled }) {
  const [form, setForm] = shelf(`form of ${known?.id}`, FRESH);
  const [entries, setEntries] = shelf(`photographs of ${known?.id}`, NONE);
  const [leftOut, setLeftOut] = useState(0);
  const change = (more) => setForm((last) => ({ ...last, ...more }));
  const name = known?.name ?? form.name;
  const lookAgain = useInTurn([entries, setEntries], MOST, lookAt, sayShortcomings);
  const { enrol, enrolling, outcome, clear } = useEnrolment([entries, setEntries], (result) => {
    if (!result.refused) change(FRESH);
    onEnrolled?.();
  });

  function add(photos) {
    const added = photos.slice(0, MOST - entries.length);
    setEntries((all) => [...all, ...added.map(entryOf)]);
    setLeftOut(photos.length - added.length);
    photos.slice(added.length).forEach(release);
    clear();
  }
  function remove({ photo }) {
    setEntries((all) => all.filter((entry) => entry.photo !== photo));
    setLeftOut(0);
    release(photo);
  }
  const usable = entries.some(({ answer }) => answer?.faces.length);
  const poor = entries.some(({ answer }) => answer && centralOf(answer)?.shortcomings.length);
  return html`<form class="enrol" onSubmit=${(event) => event.preventDefault() || enrol({ ...form, name })}>
    ${outcome && html`<${Outcome} outcome=${outcome} />`}
    <div><${Picker} many paste compact=${entries.length > 0} onPhotos=${add} hints=${shortcomingsOf}
        title=${entries.length ? "Another photograph" : "Photographs of one person"} />
    ${leftOut > 0 && html`<p class="caution" role="alert">${MOST} at once; ${leftOut} left out.</p>`}
    <${Entries} entries=${entries} onAgain=${lookAgain} onRemove=${remove} /></div>
    <div class="fields"><${Fields} form=${form} change=${change} poor=${poor} known=${known} />
    <${Notice} problem=${enrolling.problem} />
    <p class="buttons"><${Button} class="main" disabled=${!usable || !name.trim()} busy=${enrolling.busy}>Enrol
      </${Button}>
      ${!usable && html`<span class="quiet">A photograph with a face first.</span>`}</p></div>
  </form>`;
}

const lookAt = ({ blob }) => call("/detect", { form: { photo: blob } });

const sayShortcomings = ({ name }, answer) =>
  say(`${name}: ${lacks(answer).join("; ") || "good enough to be enrolled"}.`);

/**
 * Enrol the photographs of a form: those that were refused stay in it, each with the reason.
 *
 * @returns {{enrol: (form: object) => void, enrolling: {busy: boolean, problem: Error | null},
 *   outcome: object | null, clear: () => void}}  `outcome` is that of the last enrolment; `clear` forgets it.
 */
function useEnrolment([entries, setEntries], onEnrolled) {
  const [outcome, setOutcome] = useState(null);
  const send = useSending();
  const [enrol, enrolling] = useDoing(async (_signal, form) => {
    const photos = entries.map(({ photo }) => photo);
    const photoOf = (path) => photos[Number(path.match(/\d+/)) - 1]; // "photo 2" is the second
    setOutcome(null);
    try {
      const blobs = photos.map(({ blob }) => blob);
      const { doubtful, refused, ...result } = await send(form, blobs);
      const remarks = doubtful.map(({ path, reason }) => ({ photo: photoOf(path), reason }));
      const shown = [...refused, ...doubtful].map(({ path }) => photoOf(path));
      setEntries((all) => withRefusals(all, photos, refused, photoOf));
      for (const photo of photos) if (!shown.includes(photo)) release(photo);
      setOutcome({ ...result, remarks, refused: refused.length });
      say(`${count(result.enrolled.length, "photograph")} of ${result.name} enrolled.`);
      onEnrolled({ refused: refused.length });
    } catch (problem) {
      const refused = refusalsOf(problem);
      if (!refused.length) throw problem;
      setEntries((all) => withRefusals(all, photos, refused, photoOf));
      throw {
        ...problem,
        title: "Nobody is enrolled",
        detail: "What each photograph lacks stands beside it.",
        remedy: "",
      };
    }
  });
  return { enrol, enrolling, outcome, clear: () => setOutcome(null) };
}

/** The entries without the photographs that were enrolled, and with the reasons of those that were refused. */
function withRefusals(entries, photos, refused, photoOf) {
  const reasons = new Map(refused.map(({ path, reason }) => [photoOf(path), reason]));
  return entries
    .filter(({ photo }) => !photos.includes(photo) || reasons.has(photo))
    .map((entry) => ({ ...entry, refused: reasons.get(entry.photo) }));
}

const Entries = ({ entries, onAgain, onRemove }) =>
  entries.length > 0 &&
  html`<ul class="to-enrol">${entries.map(
    (entry) => html`
    <${ToEnrol} key=${entry.photo.id} entry=${entry} onAgain=${() => onAgain(entry.photo)}
      onRemove=${() => onRemove(entry)} />`,
  )}</ul>`;

function ToEnrol({ entry: { photo, answer, problem, refused }, onAgain, onRemove }) {
  const face = answer && centralOf(answer);
  return html`<li>
    ${
      face && photo.bitmap
        ? html`<${FaceOf} photo=${photo} face=${face} size=${answer.size} side=${72} />`
        : html`
        <${Thumbnail} photo=${photo} />`
    }
    <div><p class="file-name">${photo.name}</p>
      ${refused && html`<p class="refused"><b>Refused:</b> ${refused}</p>`}
      ${!answer && !problem && html`<${Loading} what="Looking at it" />`}
      ${!refused && html`<${Notice} problem=${problem} onAgain=${onAgain} />`}
      ${
        answer?.faces.length > 1 &&
        html`
          <p class="quiet">Of ${answer.faces.length} faces the one nearest the centre is taken.</p>`
      }
      ${answer && !refused && html`<${Shortcomings} list=${lacks(answer)} />`}
      <button type="button" class="plain" onClick=${onRemove}>Remove<span class="heard-only"> ${photo.name}</span>
      </button></div>
  </li>`;
}

const Thumbnail = ({ photo }) =>
  photo.url
    ? html`<img src=${photo.url} alt="" />`
    : html`<span class="no-picture">
    </span>`;

function Outcome({ outcome: { name, enrolled, already_enrolled: known, refused, remarks } }) {
  const message = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    message.current.focus();
    return () => remarks.forEach(({ photo }) => release(photo));
  }, []);
  return html`<div class="done" role="status" tabindex="-1" ref=${message}>
      <p class="empty-title">${name} is ${enrolled.length ? "enrolled" : "as before"}</p>
    <p>${count(enrolled.length, "photograph")} enrolled${known.length ? `, ${known.length} known before` : ""}.${
      refused ? ` Refused: ${refused}; the reasons stand below.` : ""
    }</p>
    ${
      remarks.length > 0 &&
      html`<p>Enrolled, but look again: is it somebody else?</p>
      <ul class="to-enrol">
        ${remarks.map(
          ({ photo, reason }) => html`
              <li key=${photo.id}><${Thumbnail} photo=${photo} />
                <div><p class="file-name">${photo.name}</p><p class="short">${reason}</p></div></li>`,
        )}</ul>`
    }</div>`;
}

/** What an answer that refuses all says of each: "photo 1: blurred; photo 2: no face was found". */
function refusalsOf({ status, detail }) {
  const parts = status === 422 ? detail.split(/(?:^|; )(photo \d+): /).slice(1) : [];
  return parts.flatMap((path, at) => (at % 2 ? [] : [{ path, reason: parts[at + 1] }]));
}

/** The face nearest the centre, which the server takes too. */
function centralOf({ faces, size: [width, height] }) {
  const away = ({ detection: { box } }) =>
    Math.hypot(box.x + (box.width - width) / 2, box.y + (box.height - height) / 2);
  return [...faces].sort((face, other) => away(face) - away(other))[0];
}

const lacks = (answer) => centralOf(answer)?.shortcomings ?? ["no face was found"];

/** What a frame of the camera lacks. */
async function shortcomingsOf(photo, signal) {
  return lacks(await call("/detect", { form: { photo }, signal }));
}
