/** Look: into any network of the server, at any face. */

import { call } from "../api.js";
import { useDoing, useLoaded } from "../hooks.js";
import { JobCard } from "../jobs.js";
import { Check, Choice, Empty, Field, Loaded, Notice, say } from "../parts.js";
import { Picker } from "../picker.js";
import { html, useState } from "../ui.js";
import { count } from "../words.js";
import { Anatomy } from "./anatomy.js";
import { RecentJobs } from "./recent.js";

const METHODS = [
  ["occlusion", "Occlusion: cover a part and see what changes"],
  ["integrated-gradients", "Integrated gradients: from a grey face to this one"],
  ["gradient", "Gradient: what a small change of each pixel does"],
  ["gradient-x-activation", "Gradient × activation: what each cell passes on"],
  ["grad-cam", "Grad-CAM: which places the last layer looks at"],
  ["correlation", "Correlation: over many random masks"],
];

export function Look() {
  const networks = useLoaded((signal) => call("/networks", { signal }), []);
  const [chosen, setChosen] = useState(null);
  return html`<div class="intro"><h1 tabindex="-1">Look</h1><p>Inside a network while it looks at a face: its layers, its maps, and what decides.</p></div>
    <${Loaded} from=${networks} what="the networks">${({ networks: list }) => {
      if (!list.length) return html`<${None} />`;
      const network = list.find(({ id }) => id === chosen) ?? list[0];
      return html`<${Networks} list=${list} chosen=${network.id} onChoose=${setChosen} />
        <${Anatomy} key=${network.id} network=${network} />
        <${Ask} networks=${list} network=${network} />`;
    }}</${Loaded}>
    <${RecentJobs} kinds=${["look", "attribute"]} />`;
}

const None = () => html`<${Empty} title="No network is loaded"><p>Train one on the page <a href="#studies/train">Studies</a>, or start the server with
  <code>--network</code> and a folder that faceloupe saved, or an ONNX file.</p></${Empty}>`;

const Networks = ({ list, chosen, onChoose }) => html`<fieldset class="cards"><legend>Network</legend>
  ${list.map(
    (one) => html`<label key=${one.id} class="card"><input type="radio" name="network" checked=${one.id === chosen} onChange=${() => onChoose(one.id)} />
      <span><b>${one.name}</b><span class="quiet">${one.parameters === null ? "cannot be opened" : count(one.parameters, "parameter")}</span><span>${one.words}</span></span></label>`,
  )}</fieldset>`;

function Ask({ networks, network }) {
  const [compare, setCompare] = useState("");
  const [methods, setMethods] = useState(["occlusion"]);
  const [certify, setCertify] = useState(false);
  const [photos, setPhotos] = useState([]);
  const [capture, setCapture] = useState("");
  const [jobs, setJobs] = useState([]);
  const others = networks.filter(({ id }) => id !== network.id);
  const faces = [...photos.map(({ blob }) => blob), ...capture.split(/[\s,]+/).filter(Boolean)];
  const [look, looking] = useDoing(async () => {
    const form = { photos: faces, compare: others.some(({ id }) => id === compare) ? compare : undefined, methods, certify };
    const { id } = await call(`/networks/${encodeURIComponent(network.id)}/look`, { form });
    setJobs((last) => [id, ...last]);
    say("It looks.");
  });
  const toggle = (name, on) => setMethods((last) => (on ? [...last, name] : last.filter((one) => one !== name)));
  return html`<form class="ask" onSubmit=${(event) => event.preventDefault() || look()}>
    <h2>Look at faces</h2>
    <${Picker} many paste compact=${photos.length > 0} title=${photos.length ? "Another photograph" : "Faces to look at"} onPhotos=${(more) => setPhotos((last) => [...last, ...more])} />
    ${photos.length > 0 && html`<div class="strip">${photos.map((photo) => html`<button type="button" key=${photo.id} class="removes" aria-label=${`Remove ${photo.name}`} onClick=${() => setPhotos((last) => last.filter((one) => one !== photo))}>
      ${photo.url ? html`<img src=${photo.url} alt="" />` : html`<span class="no-picture"></span>`}<span class="strip-words">remove</span></button>`)}</div>`}
    <${Field} label="Or captures of a data set" value=${capture} onInput=${(event) => setCapture(event.target.value)} hint="Such as orl:3 orl:14, counted from 0." />
    ${others.length > 0 && html`<${Choice} label="Compare with" value=${compare} onChange=${setCompare} options=${[["", "no other network"], ...others.map(({ id, name }) => [id, name])]} />`}
    <fieldset class="choices"><legend>Which places decide: methods</legend>
      ${METHODS.map(([name, words]) => html`<${Check} key=${name} label=${words} checked=${methods.includes(name)} onChange=${(on) => toggle(name, on)} />`)}</fieldset>
    <${Check} label="Check the maps (takes 10 to 40 times as long)" checked=${certify} onChange=${setCertify} />
    <${Notice} problem=${looking.problem} />
    <p class="buttons"><button class="main" disabled=${looking.busy || !faces.length || !methods.length}>Look</button>${!faces.length && html`<span class="quiet">Choose at least one face.</span>`}</p>
    ${jobs.map((id) => html`<${JobCard} key=${id} id=${id} />`)}
  </form>`;
}
