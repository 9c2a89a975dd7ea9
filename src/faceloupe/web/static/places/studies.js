/** Studies: begin one and watch it, read its report, or train a network of one's own. */

import { call } from "../api.js";
import { useDoing, useLoaded } from "../hooks.js";
import { JobCard, OpenPage } from "../jobs.js";
import { Check, Choice, Empty, Field, Loaded, Loading, Notice, Parts, say } from "../parts.js";
import { html, useState } from "../ui.js";
import { count, moment } from "../words.js";
import { Train, useData } from "./train.js";

const PARTS = [
  ["studies", "Studies"],
  ["studies/train", "Train a network"],
];
const PREPROCESS = [
  ["none", "as they are, 0 to 1"],
  ["centre", "less their mean"],
  ["standardise", "less their mean, by their spread"],
];

export function Studies({ rest: [part = ""] }) {
  const view = part === "train" ? "train" : "";
  return html`<div class="intro"><h1 tabindex="-1">Studies</h1><p>Networks, people and seeds; and what can be said after many fits that cannot be said after one.</p></div>
    <${Parts} label="Studies and training" parts=${PARTS} here=${view ? "studies/train" : "studies"} />
    ${view ? html`<${Train} />` : html`<${All} />`}`;
}

function All() {
  const studies = useLoaded((signal) => call("/studies", { signal }), []);
  const [jobs, setJobs] = useState([]);
  const watch = (id) => {
    setJobs((last) => [id, ...last]);
    studies.again();
  };
  const atWork = [...new Set([...jobs, ...(studies.value?.studies ?? []).map(({ job }) => job)])].filter(Boolean);
  return html`<div class="two-columns"><section aria-label="All studies">
      ${atWork.map((id) => html`<${JobCard} key=${id} id=${id} title="Study" onEnd=${studies.again} />`)}
      <${Loaded} from=${studies} what="the studies">${({ studies: list }) =>
        list.length
          ? html`<ul class="studies">${list.map((one) => html`<${Study} key=${one.id} study=${one} onJob=${watch} />`)}</ul>`
          : !atWork.length && html`<${Empty} title="No study yet"><p>A small one, with two pairs of people and two seeds, takes about a minute.</p></${Empty}>`}</${Loaded}>
    </section>
    <${Begin} onJob=${watch} /></div>`;
}

function Study({ study: { id, state, created, trials, words, job }, onJob }) {
  const [resume, resuming] = useDoing(async () => {
    onJob((await call(`/studies/${encodeURIComponent(id)}/resume`, { method: "POST" })).id);
    say("The study goes on.");
  });
  return html`<li class="study"><header><h2>${moment(created)}</h2><span class=${`state ${state === "whole" ? "done" : job ? "running" : "waiting"}`}>${state === "whole" ? "finished" : job ? "at work" : "begun"}</span></header>
    <p class="quiet">${words}. ${count(trials, "trial")}.</p>
    ${state === "whole" ? html`<${OpenPage} path=${`/studies/${encodeURIComponent(id)}/page`} words="Open the report" />` : !job && html`<p class="buttons"><button type="button" disabled=${resuming.busy} onClick=${resume}>Resume</button></p>`}
    <${Notice} problem=${resuming.problem} /></li>`;
}

function Begin({ onJob }) {
  const data = useData();
  const [plan, setPlan] = useState({ data: "orl", pairs: 4, seeds: 4, epochs: 20, preprocess: ["none", "centre"] });
  const change = (more) => setPlan((last) => ({ ...last, ...more }));
  const toggle = (name, on) => change({ preprocess: PREPROCESS.map(([key]) => key).filter((key) => (key === name ? on : plan.preprocess.includes(key))) });
  const [begin, beginning] = useDoing(async () => {
    onJob((await call("/studies", { json: plan })).id);
    say("The study begins.");
  });
  const number = (name, most) => ({ type: "number", min: 1, max: most, required: true, value: plan[name], onInput: (event) => change({ [name]: event.target.valueAsNumber || "" }) });
  return html`<form class="begin" onSubmit=${(event) => event.preventDefault() || begin()}>
    <h2>Begin a study</h2>
    <${Choice} label="Faces" value=${plan.data} options=${data} onChange=${(value) => change({ data: value })} />
    <div class="numbers"><${Field} label="Pairs of people" ...${number("pairs", 10000)} /><${Field} label="Seeds" ...${number("seeds", 1000)} /><${Field} label="Epochs" ...${number("epochs", 1000)} /></div>
    <fieldset class="choices"><legend>Pixels</legend>${PREPROCESS.map(([name, words]) => html`<${Check} key=${name} label=${words} checked=${plan.preprocess.includes(name)} onChange=${(on) => toggle(name, on)} />`)}</fieldset>
    <${Notice} problem=${beginning.problem} />
    <p class="buttons"><button class="main" disabled=${beginning.busy || !plan.preprocess.length}>Begin</button></p>
    ${beginning.busy && html`<${Loading} what="Reading the faces" />`}
    <p class="quiet">${fits(plan)}</p></form>`;
}

const fits = ({ pairs, seeds, preprocess }) => `At least ${count(2 * (pairs || 0) * (seeds || 0) * preprocess.length, "fit")}: two networks, with every seed and treatment of the pixels, and their controls.`;
