/** Two photographs: one person or two, how sure, and why. */

import { call } from "../api.js";
import { useDoing } from "../hooks.js";
import { JobCard } from "../jobs.js";
import { Check, Loading, Notice, Scale, say } from "../parts.js";
import { Picker } from "../picker.js";
import { html, useRef, useState } from "../ui.js";
import { score } from "../words.js";

export function Compare({ shelf: { pair, setPair } }) {
  const [central, setCentral] = useState(false);
  const [answer, setAnswer] = useState(null);
  const [job, setJob] = useState(null);
  const result = useRef();
  const sent = () => ({ one: pair[0].blob, other: pair[1].blob, central });
  const [verify, verifying] = useDoing(async () => {
    const found = await call("/verify", { form: sent() });
    setAnswer(found);
    say(found.words.split("\n")[0]);
    requestAnimationFrame(() => result.current?.focus());
  });
  const [why, asking] = useDoing(async () => setJob((await call("/explain", { form: { ...sent(), certify: false } })).id));

  function place(index, photo) {
    setPair((last) => last.map((one, at) => (at === index ? photo : one)));
    setAnswer(null);
    setJob(null);
    verifying.clear();
  }
  const ready = pair[0] && pair[1];
  return html`<div class="pair">${["One photograph", "The other"].map(
    (title, index) => html`<${Slot} key=${title} title=${title} photo=${pair[index]} face=${answer?.photographs[index]} paste=${index === (pair[0] ? 1 : 0)}
      onPhoto=${(photo) => place(index, photo)} />`,
  )}</div>
  <div class="row"><button type="button" class="main" disabled=${!ready || verifying.busy} onClick=${verify}>Compare</button>
    <${Check} label="Of several faces take the central one" checked=${central} onChange=${setCentral} /></div>
  ${!ready && html`<p class="quiet">Two photographs, each of one face.</p>`}
  ${verifying.busy && html`<${Loading} what="Comparing" />`}
  <${Notice} problem=${verifying.problem} />
  ${
    answer &&
    html`<section class="verdict-of-two" aria-label="The answer">
    <h2 tabindex="-1" ref=${result} class=${answer.match ? "match" : "no-match"}>${answer.match ? "One person" : "Two people"}</h2>
    <p class="lead-score">Score <b>${score(answer.score)}</b>, threshold ${score(answer.threshold)}</p>
    <${Scale} threshold=${answer.threshold} marks=${[{ value: answer.score, first: true }]}
      label=${`The score, ${score(answer.score)}, is ${answer.match ? "at or above" : "below"} the threshold, ${score(answer.threshold)}.`} />
    ${answer.warnings.map((words) => html`<p class="caution" key=${words}><b>Caution.</b> ${words}.</p>`)}
    <${Meaning} words=${answer.words} />
    ${job ? html`<${JobCard} id=${job} title="Why this score" />` : html`<p class="buttons"><button type="button" onClick=${why} disabled=${asking.busy}>Why this score?</button>
      <span class="quiet">Shows on both faces what makes them alike and what sets them apart.</span></p>`}
    <${Notice} problem=${asking.problem} />
  </section>`
  }`;
}

/** What the threshold means; the answer itself and the cautions stand above already. */
function Meaning({ words }) {
  const [plain, ...measured] = words.split("\n").filter((line) => !/^(Match|No match|Caution):/.test(line));
  return html`<p>${plain}</p>${measured.length > 0 && html`<details><summary>How the threshold was measured</summary>${measured.map((line) => html`<p key=${line}>${line}</p>`)}</details>`}`;
}

function Slot({ title, photo, face, paste, onPhoto }) {
  return html`<section class="slot" aria-label=${title}>
    ${photo && html`<figure>${photo.url ? html`<img src=${photo.url} alt=${`${title}: ${photo.name}`} />` : html`<p class="unseen-picture">The browser cannot show this kind of file.</p>`}
      <figcaption>${photo.name}${face && html`, ${face.face.shortcomings.length ? "poor quality" : "good quality"}`}</figcaption></figure>`}
    <${Picker} title=${photo ? `Another for ${title.toLowerCase()}` : title} compact=${Boolean(photo)} paste=${paste} onPhotos=${([one]) => onPhoto(one)} />
  </section>`;
}
