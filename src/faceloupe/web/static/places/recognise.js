/** Recognise: who is in these photographs, are these two one person, and who stands before the camera. */

import { call } from "../api.js";
import { useLoaded } from "../hooks.js";
import { Empty, Loading, Notice, Parts, say } from "../parts.js";
import { FaceOf, Picture } from "../picture.js";
import { Picker } from "../picker.js";
import { html, useState } from "../ui.js";
import { count, percent, score } from "../words.js";
import { Compare } from "./compare.js";
import { FacePanel } from "./face.js";
import { Watch } from "./watch.js";

const PARTS = [
  ["recognise", "Photographs"],
  ["recognise/compare", "Compare two"],
  ["recognise/camera", "Camera"],
];
const VIEWS = { "": Photographs, compare: Compare, camera: Watch };
const LEADS = {
  "": "Whom do these photographs show? Nobody is an answer too.",
  compare: "Do two photographs show one person?",
  camera: "Who stands before the camera now?",
};

export function Recognise({ rest: [part = ""], shelf }) {
  const view = part in VIEWS ? part : "";
  return html`<div class="intro"><h1 tabindex="-1">Recognise</h1><p>${LEADS[view]}</p></div>
    <${Parts} label="Ways to recognise" parts=${PARTS} here=${view ? `recognise/${view}` : "recognise"} />
    <${VIEWS[view]} key=${view} shelf=${shelf} />`;
}

function Photographs({ shelf: { photographs, setPhotographs, setPair } }) {
  const [chosen, setChosen] = useState(photographs[0]?.photo.id ?? null);
  const change = (id, more) => setPhotographs((all) => all.map((one) => (one.photo.id === id ? { ...one, ...more } : one)));

  async function ask(entry) {
    change(entry.photo.id, { state: "asking", problem: null });
    try {
      const answer = await call("/identify", { form: { photo: entry.photo.blob, ranks: 5 } });
      change(entry.photo.id, { state: "done", answer });
      say(summary(answer));
    } catch (problem) {
      change(entry.photo.id, { state: "failed", problem });
    }
  }
  async function add(photos) {
    const entries = photos.map((photo) => ({ photo, state: "waiting", answer: null, problem: null }));
    setPhotographs((all) => [...entries, ...all]);
    setChosen(entries[0].photo.id);
    for (const entry of entries) await ask(entry);
  }
  async function askAll() {
    for (const entry of photographs) await ask(entry);
  }
  function remove(id) {
    const kept = photographs.filter(({ photo }) => photo.id !== id);
    setPhotographs(kept);
    setChosen(kept[0]?.photo.id ?? null);
    say("The photograph is removed from this page.");
  }
  const entry = photographs.find(({ photo }) => photo.id === chosen);
  return html`<${Picker} many paste compact=${photographs.length > 0} onPhotos=${add}
      title=${photographs.length ? "Another photograph" : "Show a photograph"} />
    ${!photographs.length && html`<${Welcome} />`}
    ${photographs.length > 1 && html`<${Strip} photographs=${photographs} chosen=${chosen} onChoose=${setChosen} />`}
    ${entry && html`<${Photograph} key=${chosen} entry=${entry} onAgain=${() => ask(entry)} onAll=${askAll} onRemove=${() => remove(chosen)} setPair=${setPair} />`}`;
}

function Welcome() {
  const health = useLoaded((signal) => call("/health", { signal }), []);
  if (health.value && !health.value.people)
    return html`<${Empty} title="The gallery is empty">
      <p>Until somebody is enrolled, every face is nobody. <a href="#people/enrol">Enrol a person</a>, then come back.</p></${Empty}>`;
  return html`<p class="quiet welcome">Photographs go to this server, and nowhere else. They are not kept: only what you enrol is.</p>`;
}

const Strip = ({ photographs, chosen, onChoose }) => html`<div class="strip" role="group" aria-label="Photographs">
  ${photographs.map(
    ({ photo, answer, state }, index) => html`<button type="button" key=${photo.id} aria-pressed=${String(photo.id === chosen)}
      aria-label=${`Photograph ${index + 1}: ${photo.name}`} onClick=${() => onChoose(photo.id)}>
      ${photo.url ? html`<img src=${photo.url} alt="" />` : html`<span class="no-picture"></span>`}
      <span class="strip-words">${answer ? count(answer.photographs[0].faces.length, "face") : state === "failed" ? "unusable" : "…"}</span></button>`,
  )}
</div>`;

function Photograph({ entry: { photo, state, answer, problem }, onAgain, onAll, onRemove, setPair }) {
  const [face, setFace] = useState(0);
  const [landmarks, setLandmarks] = useState(false);
  const seen = answer?.photographs[0];
  const faces = seen?.faces ?? [];
  const size = seen?.size ?? (photo.bitmap ? [photo.bitmap.width, photo.bitmap.height] : [4, 3]);
  const choose = (index) => {
    setFace(index);
    say(faceSentence(faces[index], index, answer.point));
  };
  return html`<section class="photograph" aria-label=${photo.name}>
    <div class="easel">
      <${Picture} src=${photo.url} name=${photo.name} size=${size} faces=${faces} chosen=${face} onChoose=${choose} landmarks=${landmarks} />
      <div class="under"><p class="quiet file-name">${photo.name}, ${size[0]} × ${size[1]}</p>
        <button type="button" class="plain" onClick=${onRemove}>Remove</button></div>
    </div>
    <div class="findings">
      ${(state === "asking" || state === "waiting") && html`<${Loading} what="Looking for faces" />`}
      <${Notice} problem=${problem} onAgain=${onAgain} />
      ${seen && html`<${FaceList} faces=${faces} photo=${photo} size=${size} chosen=${face} onChoose=${choose} answer=${answer} />`}
      ${faces[face] && html`<${FacePanel} key=${face} face=${faces[face]} number=${face + 1} photo=${photo} size=${size} answer=${answer}
        alone=${faces.length === 1} landmarks=${landmarks} onLandmarks=${setLandmarks} onEnrolled=${onAll} setPair=${setPair} />`}
    </div>
  </section>`;
}

/** The picture's outlines once more, as text. */
function FaceList({ faces, photo, size, chosen, onChoose, answer }) {
  if (!faces.length) return html`<${Empty} title="No face was found"><p>Try a sharper picture, or one in which the face is larger.</p></${Empty}>`;
  return html`<div class="faces-found">
    <table><caption>${count(faces.length, "face")}, ${named(faces)} named</caption>
      <thead><tr><th scope="col"><span class="heard-only">Face</span></th><th scope="col">Who</th><th scope="col" class="right">Score</th></tr></thead>
      <tbody>${faces.map(
        (face, index) => html`<tr key=${index} class=${index === chosen ? "chosen" : ""}>
          <td><${FaceOf} photo=${photo} face=${face} size=${size} side=${40} /></td>
          <th scope="row"><button type="button" class="row-button" aria-pressed=${String(index === chosen)} onClick=${() => onChoose(index)}>
            <span class="number">${index + 1}</span> ${face.name ?? html`<i>nobody</i>`}</button></th>
          <td class="right">${face.candidates.length ? score(face.candidates[0].score) : "–"}
            ${face.shortcomings.length > 0 && html`<span class="poor">poor quality</span>`}</td></tr>`,
      )}</tbody></table>
    <p class="quiet">${rests(answer)}</p>
  </div>`;
}

const named = (faces) => faces.filter(({ name }) => name !== null).length;

function rests({ point, subjects, references, fpir }) {
  if (!subjects) return "The gallery is empty, so nobody has a name.";
  const strangers = fpir === null ? "" : ` Of strangers, about ${percent(fpir, fpir < 0.001 ? 2 : 1)} would be given a name.`;
  return `Compared with ${count(references, "reference")} of ${count(subjects, "person", "people")}; a name takes a score of ${score(point.threshold)}.${strangers}`;
}

function summary(answer) {
  const { faces } = answer.photographs[0];
  if (!faces.length) return "No face was found.";
  return `${count(faces.length, "face")}: ${faces.map(({ name }) => name ?? "nobody").join(", ")}.`;
}

function faceSentence({ name, candidates }, index, point) {
  const best = candidates[0];
  if (!best) return `Face ${index + 1}: nobody.`;
  const side = name === null ? "below" : "at or above";
  return `Face ${index + 1}: ${name ?? "nobody"}; the best score is ${score(best.score)}, ${side} the threshold ${score(point.threshold)}.`;
}
