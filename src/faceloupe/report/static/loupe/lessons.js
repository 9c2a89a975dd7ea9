/**
 * Parts of the loupe in the places that a page keeps for them, as `<div id="live-convolution">`; after each stand the
 * still pictures for those without scripts.
 *
 * @typedef {import("loupe/study").Study} Study
 * @typedef {import("loupe/store").State} State
 */

import { html, render, useState } from "preact-htm";
import { choiceOf, entryOf, networkOf } from "loupe/study";
import { BothNetworks } from "loupe/views/both";
import { Sliding } from "loupe/views/convolution";
import { Pick } from "loupe/views/parts";
import { faceName } from "loupe/words";

/** Fill the places of a page. @param {Study} study @param {State} start */
export function mountLessons(study, start) {
  const lessons = {
    "live-training": () => html`<${BothNetworks} study=${study} />`,
    "live-convolution": () => html`<${ConvolutionLesson} study=${study} start=${start} />`,
  };
  for (const [id, make] of Object.entries(lessons)) {
    const place = document.getElementById(id);
    if (!place) continue;
    place.classList.add("lesson");
    render(make(), place);
  }
}

/** @param {{study: Study, start: State}} props */
function ConvolutionLesson({ study, start }) {
  const [face, setFace] = useState(0);
  const networks = Object.keys(start.choices).map((kind) => {
    const choice = choiceOf(study, start, kind);
    return networkOf(study, entryOf(study, start, choice.key), choice);
  });
  const network = networks.find(({ layers }) => layers.some(({ kind }) => kind === "convolution"));
  const faces = study.faces.map((_, index) => [index, faceName(study, index)]);
  const pick = html`<${Pick} label="Face" options=${faces} value=${face}
    onChange=${(/** @type {string} */ to) => setFace(Number(to))} />`;
  return html`<${Sliding} id="lesson" face=${study.faces[face]} size=${study.size} network=${network} pick=${pick} />`;
}
