/** Train a network on faces at hand: it is measured on captures it has not seen, and can be looked at then. */

import { call } from "../api.js";
import { useDoing, useLoaded } from "../hooks.js";
import { JobList } from "../jobs.js";
import { Button, Choice, Field, Loading, Notice, say } from "../parts.js";
import { html, useState } from "../ui.js";
import { askJob } from "../watching.js";
import { percent } from "../words.js";
import { alike } from "./look.js";

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
  const [plan, setPlan] = useState({ data: "orl", kind: "cnn", name: "", people: null, epochs: null });
  const change = (more) => setPlan((last) => ({ ...last, ...more }));
  const number = (name) => ({
    type: "number",
    value: plan[name] ?? "",
    onInput: (event) => change({ [name]: event.target.valueAsNumber || null }),
  });
  const [train, training] = useDoing(async () => {
    await askJob("/networks", { json: plan });
    say("The training begins.");
  });
  return html`<div class="two-columns">
      <form class="begin" onSubmit=${(event) => event.preventDefault() || training.busy || train()}>
    <h2>Train a network</h2>
    <${Choice} label="Faces" value=${plan.data} options=${data} onChange=${(value) => change({ data: value })}
      hint="The server offers more with --data: a folder of folders of photographs." />
    <${Field} label="People" min="2" ...${number("people")}
      hint="The first so many; left empty: all. Networks that tell two apart come alive in the loupe." />
    <${Choice} label="Kind" value=${plan.kind} options=${KINDS} onChange=${(kind) => change({ kind })} />
    <${Field} label="Name" required maxlength="64" pattern="[A-Za-z0-9][A-Za-z0-9._\\-]*"
      title="Letters, digits, . - and _, the first a letter or a digit" value=${plan.name}
      onInput=${(event) => change({ name: event.target.value })} hint="Letters, digits, . - and _." />
    <${Field} label="Epochs" min="1" max="1000" ...${number("epochs")} hint="Left empty: 20, or 60 for the deeper one."
      />
    <${Notice} problem=${training.problem} />
    <p class="buttons"><${Button} class="main" busy=${training.busy}>Train</${Button}></p>
    ${training.busy && html`<${Loading} what="Reading the faces" />`}</form>
    <section aria-label="Trainings"><${JobList} kinds=${["train"]}>${({ id }) => html`<${Trained} id=${id} />`}
      </${JobList}></section></div>`;
}

function Trained({ id }) {
  const result = useLoaded((signal) => call(`/jobs/${id}/result`, { signal }), [id]);
  const networks = useLoaded((signal) => call("/networks", { signal }), []);
  if (!result.value) return html`<${Notice} problem=${result.problem} />`;
  const { network, accuracy, words } = result.value;
  const list = networks.value?.networks ?? [];
  const trained = list.find((entry) => entry.id === network);
  const others = trained ? alike(trained, list) : [];
  return html`<p class="lead-score"><b>${network}</b>: ${percent(accuracy)} of the captures it had not seen</p>
    <p class="quiet">${words}</p><p><a href=${`#look/${encodeURIComponent(network)}`}>Look at it</a></p>
    ${
      others.length > 0 &&
      html`
        <p>Look at it
              beside ${others.map(
                (other, index) => html`${index > 0 && ", "}
                    <a key=${other.id} href=${`#look/${encodeURIComponent(network)}/${encodeURIComponent(other.id)}`}>
                      ${other.name}</a>`,
              )}</p>`
    }`;
}
