/** Studies: begin one and watch it, read its report, or train a network of one's own. */

import { call } from "../api.js";
import { Page } from "../framed.js";
import { useDoing, useLoaded, useTitle } from "../hooks.js";
import { Going, JobCard, State, useSaid } from "../jobs.js";
import { Ask, Button, Check, Choice, Empty, Field, Loaded, Loading, Notice, Parts, say } from "../parts.js";
import { html, useState } from "../ui.js";
import { askJob, useJobs } from "../watching.js";
import { count, jobShare, moment, percent } from "../words.js";
import { Train, useData } from "./train.js";
import { Two } from "./two.js";

const PARTS = [
  ["studies", "Studies"],
  ["studies/two", "Two people from the camera"],
  ["studies/train", "Train a network"],
];
const PREPROCESS = [
  ["none", "as they are, 0 to 1"],
  ["centre", "less their mean"],
  ["standardise", "less their mean, by their spread"],
];
const STEPS = 20; // of a study's progress, at which is asked what it has found so far

/** The address names a part, or the study whose report is read: `#studies/ID`. */
export function Studies({ rest: [part = ""] }) {
  const title = { train: "Train a network", two: "Two people from the camera", "": "" }[part] ?? `Study ${part}`;
  useTitle(...(title ? [title] : []), "Studies");
  return html`<div class="intro"><h1 tabindex="-1">Studies</h1>
      <p>Networks, people and seeds; and what can be said after many fits that cannot be said after one.</p></div>
    <${Parts} label="Studies and training" parts=${PARTS} here=${`studies${part && "/"}${part}`} />
    ${
      part === "train"
        ? html`<${Train} />`
        : part === "two"
          ? html`<${Two} onBegun=${() => (location.hash = "studies")} />`
          : part
            ? html`<${Report} key=${part} id=${part} />`
            : html`<${All} />`
    }`;
}

const pageOf = (id) => `/studies/${encodeURIComponent(id)}/page`;

const Report = ({ id }) => html`<h2>The report of ${id}</h2>
  <${Page} path=${pageOf(id)} title="The report of a study" open />`;

function All() {
  const { jobs, lost } = useJobs();
  const own = (jobs ?? []).filter(({ kind }) => kind === "study");
  const news = own.map((job) => `${job.id} ${job.state} ${Math.floor(STEPS * (jobShare(job) ?? -1))}`).join();
  const studies = useLoaded((signal) => call("/studies", { signal }), [news]);
  const list = studies.value?.studies ?? [];
  const apart = own.filter(
    ({ id, state, ended }) => state === "failed" || (!ended && !list.some(({ job }) => job === id)),
  );
  return html`<div class="two-columns"><section aria-label="All studies">
      ${apart.map((job) => html`<${JobCard} key=${job.id} job=${job} lost=${lost} />`)}
      <${Loaded} from=${studies} what="the studies">${() =>
        list.length
          ? html`<ul class="studies">
              ${list.map(
                (study) => html`
                    <${Study} key=${study.id} study=${study} job=${own.find(({ id }) => id === study.job)} lost=${lost}
                      onRemoved=${studies.again} />`,
              )}
                    </ul>`
          : !apart.length &&
            html`
            <${Empty} title="No study yet"><p>A small one, with two pairs of people and two seeds, takes about a minute.
              </p></${Empty}>`}</${Loaded}>
    </section>
    <${Begin} /></div>`;
}

/**
 * @param {{study: import("documents").Study, job?: import("documents").Job, lost: boolean,
 *   onRemoved: () => void}} props
 *   `job` is the caller's, that works on it or did
 */
function Study({ study, job, lost, onRemoved }) {
  const { id, state, resumable, created, trials, so_far: soFar, words, job: worked } = study;
  const [asking, setAsking] = useState(false);
  const [resume, resuming] = useDoing(async () => {
    await askJob(`/studies/${encodeURIComponent(id)}/resume`);
    say("The study goes on.");
  });
  const going = job && !job.ended;
  useSaid(job);
  return html`<li class="study"><header><h2>${moment(created)}</h2>${
    going
      ? html`<${State} job=${job} lost=${lost} />`
      : html`
      <span class=${`state ${state === "whole" ? "done" : "waiting"}`}>
        ${state === "whole" ? "finished" : worked ? "at work" : "stopped"}</span>`
  }</header>
    <p class="quiet">${words}. ${count(trials, "trial")}.</p>
    ${going && html`<${Going} job=${job} lost=${lost} />`}
    ${soFar.length > 0 && html`<${SoFar} rows=${soFar} />`}
    ${
      !worked &&
      html`<p class="buttons">
        ${state === "whole" && html`<a class="button" href=${`#studies/${encodeURIComponent(id)}`}>Read the report</a>`}
        <button type="button" onClick=${() => setAsking(true)}>Delete</button></p>`
    }
    ${asking && html`<${Remove} id=${id} onClose=${() => setAsking(false)} onRemoved=${onRemoved} />`}
    ${
      resumable &&
      !worked &&
      html`
        <p class="buttons"><${Button} busy=${resuming.busy} onClick=${resume}>Resume</${Button}></p>`
    }
    ${resuming.busy && html`<${Loading} what="Reading the faces" />`}
    <${Notice} problem=${resuming.problem} /></li>`;
}

function Remove({ id, onClose, onRemoved }) {
  const [remove, removing] = useDoing(async () => {
    await call(`/studies/${encodeURIComponent(id)}`, { method: "DELETE" });
    say("The study is deleted.");
    onClose();
    onRemoved();
  });
  return html`<${Ask} title="Delete this study?" verb="Delete" leave="Keep it" ...${removing} onDo=${remove}
      onClose=${onClose}>
    <p>Its trials, its networks, its report and the faces in them are erased from this machine.</p></${Ask}>`;
}

const SoFar = ({ rows }) => html`
  <div class="scroll-x" tabindex="0" role="group" aria-label="Reached so far">
    <table class="so-far"><caption>On captures they had not seen, so far</caption>
  <thead><tr><th scope="col">Network</th><th scope="col">People</th><th scope="col">Pixels</th>
      <th scope="col" class="right">Fits</th><th scope="col" class="right">Right</th></tr></thead>
  <tbody>${rows.map(
    ({ network, people, preprocess, fits, accuracy }) => html`
        <tr key=${`${network} ${people} ${preprocess}`}><th scope="row">${network}</th>
    <td>${people === "all" ? "all" : "two"}</td><td>${preprocess}</td><td class="right">${fits}</td>
      <td class="right">${percent(accuracy)}</td></tr>`,
  )}</tbody></table></div>`;

function Begin() {
  const data = useData();
  const [plan, setPlan] = useState({ data: "orl", pairs: 4, seeds: 4, epochs: 20, preprocess: ["none", "centre"] });
  const change = (more) => setPlan((last) => ({ ...last, ...more }));
  const toggle = (name, on) =>
    change({
      preprocess: PREPROCESS.map(([key]) => key).filter((key) => (key === name ? on : plan.preprocess.includes(key))),
    });
  const [begin, beginning] = useDoing(async () => {
    await askJob("/studies", { json: plan });
    say("The study begins.");
  });
  const lacks = lacking(plan);
  const number = (name, most) => ({
    type: "number",
    min: 1,
    max: most,
    required: true,
    value: plan[name],
    onInput: (event) => change({ [name]: event.target.valueAsNumber || "" }),
  });
  return html`<form class="begin" onSubmit=${(event) => event.preventDefault() || (lacks ? say(lacks) : begin())}>
    <h2>Begin a study</h2>
    <${Choice} label="Faces" value=${plan.data} options=${data} onChange=${(value) => change({ data: value })} />
    <div class="numbers"><${Field} label="Pairs of people" ...${number("pairs", 10000)} />
      <${Field} label="Seeds" ...${number("seeds", 1000)} /><${Field} label="Epochs" ...${number("epochs", 1000)} />
      </div>
    <fieldset class="choices"><legend>Pixels</legend>
      ${PREPROCESS.map(
        ([name, words]) => html`
            <${Check} key=${name} label=${words} checked=${plan.preprocess.includes(name)}
              onChange=${(on) => toggle(name, on)} />`,
      )}</fieldset>
    <${Notice} problem=${beginning.problem} />
    <p class="buttons"><${Button} class="main" busy=${beginning.busy || lacks}>Begin</${Button}></p>
    ${beginning.busy && html`<${Loading} what="Reading the faces" />`}
    <p class="quiet">${lacks || fits(plan)}</p></form>`;
}

/** What must be changed still, in a sentence; empty if nothing must. */
function lacking({ pairs, seeds, preprocess }) {
  if (!preprocess.length) return "Choose what is done to the pixels.";
  return pairs === 1 && seeds === 1
    ? "One pair with one seed is one run and shows no spread: take more pairs, or more seeds."
    : "";
}

const fits = ({ pairs, seeds, preprocess }) =>
  `At least ${count(2 * (pairs || 0) * (seeds || 0) * preprocess.length, "fit")}: ` +
  "two networks, with every seed and treatment of the pixels, and their controls.";
