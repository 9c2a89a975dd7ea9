/** Train a network on faces at hand: it is measured on captures it has not seen, and can be looked at then. */

import { call } from "../api.js";
import { useDoing, useLoaded } from "../hooks.js";
import { JobCard } from "../jobs.js";
import { Choice, Field, Loading, Notice, say } from "../parts.js";
import { html, useState } from "../ui.js";
import { percent } from "../words.js";
import { RecentJobs } from "./recent.js";

const SETS = { orl: "ORL: 400 photographs of 40 people", olivetti: "Olivetti: the same, cut closely" };
const KINDS = [
  ["cnn", "The tutorial’s CNN"],
  ["fcnn", "The tutorial’s fully connected network"],
  ["deep", "A deeper network, which learns templates"],
];

/** The faces that the server offers, as options of a list. */
export function useData() {
  const data = useLoaded((signal) => call("/data", { signal }), []);
  return (data.value?.data ?? Object.keys(SETS)).map((name) => [name, SETS[name] ?? name]);
}

export function Train() {
  const data = useData();
  const [plan, setPlan] = useState({ data: "orl", kind: "cnn", name: "", epochs: "" });
  const [jobs, setJobs] = useState([]);
  const change = (more) => setPlan((last) => ({ ...last, ...more }));
  const [train, training] = useDoing(async () => {
    const { epochs, ...rest } = plan;
    const { id } = await call("/networks", { json: { ...rest, ...(epochs && { epochs }) } });
    setJobs((last) => [id, ...last]);
    say("The training begins.");
  });
  return html`<div class="two-columns"><form class="begin" onSubmit=${(event) => event.preventDefault() || train()}>
    <h2>Train a network</h2>
    <${Choice} label="Faces" value=${plan.data} options=${data} onChange=${(value) => change({ data: value })} hint="The server offers more with --data: a folder of folders of photographs." />
    <${Choice} label="Kind" value=${plan.kind} options=${KINDS} onChange=${(kind) => change({ kind })} />
    <${Field} label="Name" required maxlength="64" value=${plan.name} onInput=${(event) => change({ name: event.target.value })} hint="Letters, digits, . - and _." />
    <${Field} label="Epochs" type="number" min="1" max="1000" value=${plan.epochs} onInput=${(event) => change({ epochs: event.target.valueAsNumber || "" })} hint="Left empty: 20, or 60 for the deeper one." />
    <${Notice} problem=${training.problem} />
    <p class="buttons"><button class="main" disabled=${training.busy || !plan.name}>Train</button></p>
    ${training.busy && html`<${Loading} what="Reading the faces" />`}</form>
    <section aria-label="Trainings">${jobs.map((id) => html`<${JobCard} key=${id} id=${id} title="Training" page=${false}>${() => html`<${Trained} id=${id} />`}</${JobCard}>`)}
      <${RecentJobs} kinds=${["train"]} without=${jobs} /></section></div>`;
}

function Trained({ id }) {
  const result = useLoaded((signal) => call(`/jobs/${id}/result`, { signal }), [id]);
  if (!result.value) return html`<${Notice} problem=${result.problem} />`;
  const { network, accuracy, words } = result.value;
  return html`<p class="lead-score"><b>${network}</b>: ${percent(accuracy)} of the captures it had not seen</p>
    <p class="quiet">${words}</p><p><a href="#look">Look at it</a></p>`;
}
