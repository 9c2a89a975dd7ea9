/** One face: whom it is like, how good it is, and what can be done with it. */

import { Check, Scale, Shortcomings, say } from "../parts.js";
import { cutFace, makePhoto, release } from "../photos.js";
import { FaceOf } from "../picture.js";
import { may } from "../session.js";
import { html, useState } from "../ui.js";
import { called, qualityRows, score } from "../words.js";
import { EnrolFace } from "./enrolling.js";
import { Why } from "./why.js";

const UNSHOWN =
  "The browser cannot show this kind of file, so that no single face can be cut out of it. " +
  "To enrol or compare one face of several, save the photograph as JPEG or PNG first.";

export function FacePanel({ face, number, photo, size, answer, alone, landmarks, onLandmarks, shelf }) {
  const separable = alone || Boolean(photo.bitmap);
  const picture = async () => (alone ? photo.blob : cutFace(photo, face.detection.box, size));
  const compare = useComparison(shelf, picture, alone, alone ? photo.name : `face ${number} of ${photo.name}`);
  const shown = html`<${FaceOf} photo=${photo} face=${face} size=${size} side=${88} />`;
  return html`<section class="face-panel" aria-label=${`Face ${number}`}>
    <header>${shown}<div><p class="quiet">Face ${number}</p><${Who} face=${face} /></div></header>
    ${face.candidates.length > 0 && html`<${Candidates} face=${face} threshold=${answer.point.threshold} />`}
    ${
      separable
        ? html`<${Actions} face=${face} picture=${picture} onCompare=${compare} />`
        : html`<p class="hint">${UNSHOWN}</p>`
    }
    ${
      face.candidates.length > 0 &&
      separable &&
      html`<${Why} candidate=${face.candidates[0]} photo=${picture} probe=${shown} />`
    }
    <h3>Quality</h3>
    <${Shortcomings} list=${face.shortcomings} />
    <details><summary>What was measured</summary><dl class="rows">${qualityRows(face.template.quality).map(
      ([name, words]) => html`<div key=${name}><dt>${name}</dt><dd>${words}</dd></div>`,
    )}</dl></details>
    <${Check} label="Show the five landmarks on the picture" checked=${landmarks} onChange=${onLandmarks} />
  </section>`;
}

/** Return what takes a face to the comparison of two photographs, as the first of them. */
function useComparison(shelf, picture, alone, name) {
  const [pair, setPair] = shelf("pair", []);
  const [, setVerdict] = shelf("verdict", null);
  const [, setCentral] = shelf("central", false);
  return async () => {
    const first = await makePhoto(await picture(), name);
    pair.filter(Boolean).forEach(release);
    setPair([first, null]);
    setVerdict(null);
    setCentral(!alone); // around a face that was cut out there may be parts of others
    location.hash = "recognise/compare";
  };
}

function Who({ face }) {
  if (face.name !== null) return html`<h2 class="who">${called(face)}</h2>`;
  const reason = face.candidates.length
    ? "Nobody in the gallery is like it enough."
    : "There is nobody to compare it with.";
  return html`<h2 class="who">Nobody</h2><p class="quiet">${reason}</p>`;
}

function Actions({ face, picture, onCompare }) {
  const [enrolling, setEnrolling] = useState(false);
  const enrolled = (name) => {
    setEnrolling(false);
    say(`${name} is enrolled.`);
  };
  return html`<div class="buttons">
      ${may("enrol") && html`<button type="button" onClick=${() => setEnrolling(true)}>Enrol this face</button>`}
      <button type="button" onClick=${onCompare}>Compare with another photograph</button></div>
    ${
      enrolling &&
      html`<${EnrolFace} photo=${picture} name=${face.name ?? ""} shortcomings=${face.shortcomings}
        onClose=${() => setEnrolling(false)} onEnrolled=${enrolled} />`
    }`;
}

function Candidates({ face, threshold }) {
  const best = face.candidates[0];
  const side = best.score >= threshold ? "at or above" : "below";
  const words = `The best score, ${score(best.score)}, is ${side} the threshold, ${score(threshold)}.`;
  return html`<${Scale} threshold=${threshold} label=${words}
      marks=${face.candidates.map(({ score: value, rank }) => ({ value, first: rank === 1 }))} />
    <table class="candidates"><caption class="heard-only">Whom the face is like</caption>
      <thead><tr><th scope="col">Rank</th><th scope="col">Candidate</th><th scope="col" class="right">Score</th></tr>
      </thead>
      <tbody>${face.candidates.map(
        (
          candidate,
        ) => html`<tr key=${candidate.rank} class=${candidate.margin < 0 ? "below" : ""}><td>${candidate.rank}</td>
          <th scope="row"><a href=${`#people/${candidate.subject_id}`}>${called(candidate)}</a></th>
          <td class="right">${score(candidate.score)}
            ${candidate.margin < 0 && html`<span class="heard-only">, below the threshold</span>`}</td></tr>`,
      )}</tbody></table>`;
}
