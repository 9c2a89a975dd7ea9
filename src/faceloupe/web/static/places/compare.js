/** Two photographs: one person or two, how sure, and why. */

import { call } from "../api.js";
import { useDoing } from "../hooks.js";
import { Button, Check, Loading, Notice, Scale, say } from "../parts.js";
import { release } from "../photos.js";
import { Picker } from "../picker.js";
import { html, useRef } from "../ui.js";
import { score } from "../words.js";
import { Explained } from "./why.js";

const NEITHER = [null, null];

export function Compare({ shelf }) {
  const [pair, setPair] = shelf("pair", NEITHER);
  const [central, setCentral] = shelf("central", false);
  const [answer, setAnswer] = shelf("verdict", null);
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  const form = () => ({ one: pair[0].blob, other: pair[1].blob, central });
  const [verify, verifying] = useDoing(async (signal) => {
    const verdict = await call("/verify", { form: form(), signal });
    setAnswer(verdict);
    say(verdict.words.split("\n")[0]);
    requestAnimationFrame(() => heading.current?.focus());
  });

  /** Whatever is shown, or on its way, is of what was asked before. */
  function outdate() {
    verifying.clear();
    setAnswer(null);
  }
  function place(index, photo) {
    if (pair[index]) release(pair[index]);
    setPair((last) => last.map((before, at) => (at === index ? photo : before)));
    outdate();
  }
  function choose(on) {
    setCentral(on);
    outdate();
  }
  const ready = pair[0] && pair[1];
  return html`<div class="pair">${["One photograph", "The other"].map(
    (title, index) => html`
      <${Slot} key=${title} title=${title} photo=${pair[index]} face=${answer?.photographs[index]}
        paste=${index === (pair[0] ? 1 : 0)}
      onPhoto=${(photo) => place(index, photo)} />`,
  )}</div>
  <div class="row"><${Button} class="main" disabled=${!ready} busy=${verifying.busy} onClick=${verify}>Compare
    </${Button}>
    <${Check} label="Of several faces take the central one" checked=${central} onChange=${choose} /></div>
  ${!ready && html`<p class="quiet">Two photographs, each of one face.</p>`}
  ${verifying.busy && html`<${Loading} what="Comparing" />`}
  <${Notice} problem=${verifying.problem} />
  ${answer && html`<${Verdict} answer=${answer} heading=${heading} photographs=${async () => form()} />`}`;
}

/** The answer; `photographs` gives the two, to have it explained. */
function Verdict({ answer, heading, photographs }) {
  const { match, score: value, threshold, warnings, words } = answer;
  const side = match ? "at or above" : "below";
  return html`<section class="verdict-of-two" aria-label="The answer">
    <h2 tabindex="-1" ref=${heading} class=${match ? "match" : "no-match"}>${match ? "One person" : "Two people"}</h2>
    <p class="lead-score">Score <b>${score(value)}</b>, threshold ${score(threshold)}</p>
    <${Scale} threshold=${threshold} marks=${[{ value, first: true }]}
      label=${`The score, ${score(value)}, is ${side} the threshold, ${score(threshold)}.`} />
    ${warnings.map((warning) => html`<p class="caution" key=${warning}><b>Caution.</b> ${warning}.</p>`)}
    <${Meaning} words=${words} />
    <${Explained} of=${answer} words="Why this score?"
      hint="Shows on both faces what makes them alike and what sets them apart." photographs=${photographs} />
  </section>`;
}

/** What the threshold means; the answer itself and the cautions stand above already. */
function Meaning({ words }) {
  const [plain, ...measured] = words.split("\n").filter((line) => !/^(Match|No match|Caution):/.test(line));
  return html`<p>${plain}</p>
    ${
      measured.length > 0 &&
      html`
        <details><summary>How the threshold was measured</summary>
          ${measured.map((line) => html`<p key=${line}>${line}</p>`)}</details>`
    }`;
}

function Slot({ title, photo, face, paste, onPhoto }) {
  return html`<section class="slot" aria-label=${title}>
    ${
      photo &&
      html`
        <figure>${
          photo.url
            ? html`<img src=${photo.url} alt=${`${title}: ${photo.name}`} />`
            : html`
              <p class="unseen-picture">The browser cannot show this file.</p>`
        }
      <figcaption>${photo.name}${face && html`, ${face.face.shortcomings.length ? "poor quality" : "good quality"}`}
      </figcaption></figure>`
    }
    <${Picker} title=${photo ? `Another for ${title.toLowerCase()}` : title} compact=${Boolean(photo)} paste=${paste}
      onPhotos=${([chosen]) => onPhoto(chosen)} />
  </section>`;
}
