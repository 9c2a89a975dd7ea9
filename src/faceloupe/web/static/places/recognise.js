/** Recognise: who is in these photographs, are these two one person, and who stands before the camera. */

import { call } from "../api.js";
import { entryOf, useInTurn, useLoaded, useTitle } from "../hooks.js";
import { Keeping } from "../keeping.js";
import { Empty, Loading, Notice, Parts, say } from "../parts.js";
import { release } from "../photos.js";
import { FaceOf, Picture } from "../picture.js";
import { Picker } from "../picker.js";
import { may } from "../session.js";
import { html, useEffect, useRef, useState } from "../ui.js";
import { called, count, percent, score } from "../words.js";
import { Compare } from "./compare.js";
import { FacePanel } from "./face.js";
import { Watch } from "./watch.js";
import { Explanations } from "./why.js";

const VIEWS = {
  "": { words: "Photographs", View: Photographs, lead: "Whom do these photographs show? Nobody is an answer too." },
  compare: { words: "Compare two", View: Compare, lead: "Do two photographs show one person?" },
  camera: { words: "Camera", View: Watch, lead: "Who stands before the camera now?" },
};
const address = (view) => (view ? `recognise/${view}` : "recognise");

export function Recognise({ rest: [part = ""], shelf, gallery }) {
  const view = Object.hasOwn(VIEWS, part) ? part : "";
  const { words, View, lead } = VIEWS[view];
  useTitle(...(view ? [words] : []), "Recognise");
  return html`<div class="intro"><h1 tabindex="-1">Recognise</h1><p>${lead}</p></div>
    <${Parts} label="Ways to recognise" parts=${Object.entries(VIEWS).map(([key, part]) => [address(key), part.words])}
      here=${address(view)} />
    <${View} key=${view} shelf=${shelf} gallery=${gallery} />
    ${may("recognise") && html`<${Explanations} />`}`;
}

function Photographs({ shelf, gallery }) {
  const [entries, setEntries] = shelf("photographs", []);
  const [chosen, setChosen] = useState(entries[0]?.photo.id ?? null);
  const askAgain = useInTurn(
    [entries, setEntries],
    gallery,
    ({ blob }) => call("/identify", { form: { photo: blob, ranks: 5 } }),
    (_photo, answer) => say(summary(answer)),
  );
  function add(photos) {
    setEntries((all) => [...photos.map(entryOf), ...all]);
    setChosen(photos[0].id);
  }
  function remove({ photo }) {
    const rest = entries.filter((other) => other.photo !== photo);
    setEntries(rest);
    setChosen(rest[0]?.photo.id ?? null);
    release(photo);
    say("The photograph is removed from this page.");
  }
  const entry = entries.find(({ photo }) => photo.id === chosen);
  return html`<${Picker} many paste compact=${entries.length > 0} onPhotos=${add}
      title=${entries.length ? "Another photograph" : "Show a photograph"} />
    ${!entries.length && html`<${Welcome} />`}
    ${entries.length > 1 && html`<${Strip} entries=${entries} chosen=${chosen} onChoose=${setChosen} />`}
    ${
      entry &&
      html`
        <${Photograph} key=${chosen} entry=${entry} onAgain=${() => askAgain(entry.photo)}
          onRemove=${() => remove(entry)} shelf=${shelf} />`
    }`;
}

function Welcome() {
  const health = useLoaded((signal) => call("/health", { signal }), []);
  if (health.value && !health.value.people)
    return html`<${Empty} title="The gallery is empty">
      <p>Until somebody is enrolled, every face is
            nobody.${may("enrol") && html` <a href="#people/enrol">Enrol a person</a>, then come back.`}</p>
      <p class="quiet"><${Keeping} otherwise="" /></p></${Empty}>`;
  return html`<p class="quiet welcome">Photographs go to this server, and nowhere else. They are not kept.${" "}
      <${Keeping} otherwise="Only what you enrol is." /></p>`;
}

const Strip = ({ entries, chosen, onChoose }) => html`<div class="strip" role="group" aria-label="Photographs">
  ${entries.map(
    ({ photo, answer, problem }, index) => html`
      <button type="button" key=${photo.id} aria-pressed=${String(photo.id === chosen)}
      aria-label=${`Photograph ${index + 1}: ${photo.name}`} onClick=${() => onChoose(photo.id)}>
      ${photo.url ? html`<img src=${photo.url} alt="" />` : html`<span class="no-picture"></span>`}
      <span class="strip-words">
        ${answer ? count(answer.photographs[0].faces.length, "face") : problem ? "unusable" : "…"}</span></button>`,
  )}
</div>`;

const UNKNOWN = [4, 3]; // the shape of a picture that nobody has read yet

function Photograph({ entry: { photo, answer, problem }, onAgain, onRemove, shelf }) {
  const [picked, setPicked] = useState(null);
  const [landmarks, setLandmarks] = useState(false);
  const panel = useRef(/** @type {HTMLElement | null} */ (null));
  const seen = answer?.photographs[0];
  const faces = seen?.faces ?? [];
  const size = seen?.size ?? photo.size;
  const chosen = picked ?? firstOf(faces);
  const choose = (index) => {
    setPicked(index);
    say(faceSentence(faces[index], index, answer.point));
  };
  useEffect(() => {
    if (picked !== null) panel.current.scrollIntoView({ block: "nearest" });
  }, [picked]);
  return html`<section class="photograph" aria-label=${photo.name}>
    <div class="easel">
      <${Picture} photo=${photo} size=${size ?? UNKNOWN} faces=${faces} chosen=${chosen} onChoose=${choose}
        landmarks=${landmarks} />
      <div class="under"><p class="quiet file-name">${photo.name}${size && `, ${size[0]} × ${size[1]}`}</p>
        <button type="button" class="plain" onClick=${onRemove}>Remove</button></div>
      ${
        !photo.url &&
        seen &&
        html`<p class="hint">The browser cannot show this kind of file; the server has read it.
          </p>`
      }
    </div>
    <div class="findings">
      ${!answer && !problem && html`<${Loading} what="Looking for faces" />`}
      <${Notice} problem=${problem} onAgain=${onAgain} />
      <div ref=${panel}>
        ${
          faces[chosen] &&
          html`
            <${FacePanel} key=${chosen} face=${faces[chosen]} number=${chosen + 1} photo=${photo} size=${size}
              answer=${answer}
        alone=${faces.length === 1} landmarks=${landmarks} onLandmarks=${setLandmarks} shelf=${shelf} />`
        }</div>
      ${
        seen &&
        html`
          <${FaceList} faces=${faces} photo=${photo} size=${size} chosen=${chosen} onChoose=${choose} answer=${answer}
            />`
      }
    </div>
  </section>`;
}

/** The face to be told of first, by its place: the largest of those with a name, or of all; -1 if there is none. */
function firstOf(faces) {
  const named = faces.filter(({ name }) => name !== null);
  const area = ({ detection: { box } }) => box.width * box.height;
  return faces.indexOf([...(named.length ? named : faces)].sort((first, second) => area(second) - area(first))[0]);
}

/** The picture's outlines once more, as text. */
function FaceList({ faces, photo, size, chosen, onChoose, answer }) {
  const row = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    const within = row.current?.closest(".rows-of-faces");
    if (within) within.scrollTop = row.current.offsetTop - within.clientHeight / 2;
  }, [chosen]);
  if (!faces.length)
    return html`
    <${Empty} title="No face was found"><p>Try a sharper picture, or one in which the face is larger.</p></${Empty}>`;
  return html`<div class="faces-found"><div class="rows-of-faces">
    <table><caption>${count(faces.length, "face")}, ${named(faces)} named</caption>
      <thead><tr><th scope="col"><span class="heard-only">Face</span></th><th scope="col">Who</th>
          <th scope="col" class="right">Score</th></tr></thead>
      <tbody>${faces.map(
        (face, index) => html`
          <tr key=${index} ref=${index === chosen ? row : undefined} class=${index === chosen ? "chosen" : ""}>
          <td><${FaceOf} photo=${photo} face=${face} size=${size} side=${40} /></td>
          <th scope="row">
            <button type="button" class="row-button" aria-pressed=${String(index === chosen)}
              onClick=${() => onChoose(index)}>
            <span class="number">${index + 1}</span>
            ${" "}${face.name === null ? html`<i>nobody</i>` : called(face)}</button></th>
          <td class="right">${face.candidates.length ? score(face.candidates[0].score) : "–"}
            ${face.shortcomings.length > 0 && html`<span class="poor">poor quality</span>`}</td></tr>`,
      )}</tbody></table></div>
    <p class="quiet">${rests(answer)}</p>
  </div>`;
}

const named = (faces) => faces.filter(({ name }) => name !== null).length;

function rests({ point, subjects, references, fpir }) {
  if (!subjects) return "The gallery is empty, so nobody has a name.";
  const strangers =
    fpir === null ? "" : ` Of strangers, about ${percent(fpir, fpir < 0.001 ? 2 : 1)} would be given a name.`;
  const compared = `Compared with ${count(references, "reference")} of ${count(subjects, "person", "people")}`;
  return `${compared}; a name takes a score of ${score(point.threshold)}.${strangers}`;
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
  const scored = `the best score is ${score(best.score)}, ${side} the threshold ${score(point.threshold)}`;
  return `Face ${index + 1}: ${name ?? "nobody"}; ${scored}.`;
}
