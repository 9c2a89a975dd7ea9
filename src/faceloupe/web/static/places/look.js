/** Look: into any network of the server, at any face. */

import { call } from "../api.js";
import { useDoing, useLoaded } from "../hooks.js";
import { JobCard } from "../jobs.js";
import { Check, Choice, Empty, Field, Loaded, Notice, say } from "../parts.js";
import { dataOf } from "../photos.js";
import { Picker } from "../picker.js";
import { html, useState } from "../ui.js";
import { count } from "../words.js";
import { Anatomy } from "./anatomy.js";
import { Maps } from "./maps.js";
import { RecentJobs } from "./recent.js";

const METHODS = [
  ["occlusion", "Occlusion: cover a part and see what changes"],
  ["integrated-gradients", "Integrated gradients: from a grey face to this one"],
  ["gradient", "Gradient: what a small change of each pixel does"],
  ["gradient-x-activation", "Gradient × activation: what each cell passes on"],
  ["grad-cam", "Grad-CAM: which places the last layer looks at"],
  ["correlation", "Correlation: over many random masks"],
];

const SMALL = 100_000; // parameters of a network whose maps are shown at once
const CAPTURE = /^[a-z]+:\d+$/;

export function Look() {
  const networks = useLoaded((signal) => call("/networks", { signal }), []);
  const [chosen, setChosen] = useState(null);
  const [photos, setPhotos] = useState([]);
  const [capture, setCapture] = useState("");
  const [jobs, setJobs] = useState([]);
  const faces = [
    ...photos.map(({ blob, name, id }) => ({ key: id, name, sent: () => dataOf(blob) })),
    ...capture.split(/[\s,]+/).filter(Boolean).map((name) => ({ key: name, name, sent: async () => name })),
  ];
  return html`<div class="intro"><h1 tabindex="-1">Look</h1><p>Inside a network while it looks at a face: its layers, its maps, and what decides.</p></div>
    <${Loaded} from=${networks} what="the networks">${({ networks: list }) => {
      if (!list.length) return html`<${None} />`;
      const network = list.find(({ id }) => id === chosen) ?? list[0];
      return html`<${Networks} list=${list} chosen=${network.id} onChoose=${setChosen} />
        <${Inside} key=${network.id} networks=${list} network=${network} faces=${faces} onJob=${(id) => setJobs((last) => [id, ...last])}>
          <${Faces} photos=${photos} setPhotos=${setPhotos} capture=${capture} setCapture=${setCapture} /></${Inside}>`;
    }}</${Loaded}>
    ${jobs.map((id) => html`<${JobCard} key=${id} id=${id} />`)}
    <${RecentJobs} kinds=${["look", "attribute"]} without=${jobs} />`;
}

/** One network: its layers, the faces (`children`), its maps of one of them if it is small, and what else can be asked. */
function Inside({ networks, network, faces, onJob, children }) {
  const anatomy = useLoaded((signal) => call(`/networks/${encodeURIComponent(network.id)}`, { signal }), [network.id]);
  const [layers, setLayers] = useState([]);
  const known = faces.filter(({ key, name }) => key !== name || CAPTURE.test(name));
  const small = network.parameters !== null && network.parameters < SMALL;
  return html`<${Anatomy} anatomy=${anatomy} chosen=${layers} onChoose=${setLayers} />
    ${children}
    ${small && known.length > 0 && anatomy.value && html`<${Maps} network=${network} faces=${known} layers=${layers.length ? layers : anatomy.value.layers.map(({ name }) => name)} />`}
    <${Ask} networks=${networks} network=${network} faces=${faces} layers=${layers} onJob=${onJob} />`;
}

const None = () => html`<${Empty} title="No network is loaded"><p>Train one on the page <a href="#studies/train">Studies</a>, or start the server with
  <code>--network</code> and a folder that faceloupe saved, or an ONNX file.</p></${Empty}>`;

const Networks = ({ list, chosen, onChoose }) => html`<fieldset class="cards"><legend>Network</legend>
  ${list.map(
    (one) => html`<label key=${one.id} class="card"><input type="radio" name="network" checked=${one.id === chosen} onChange=${() => onChoose(one.id)} />
      <span><b>${one.name}</b><span class="quiet">${one.parameters === null ? "cannot be opened" : count(one.parameters, "parameter")}</span><span>${one.words}</span></span></label>`,
  )}</fieldset>`;

const Faces = ({ photos, setPhotos, capture, setCapture }) => html`<section class="ask" aria-label="Faces to look at"><h2>Faces</h2>
  <${Picker} many paste compact=${photos.length > 0} title=${photos.length ? "Another photograph" : "Faces to look at"} onPhotos=${(more) => setPhotos((last) => [...last, ...more])} />
  ${photos.length > 0 && html`<div class="strip">${photos.map((photo) => html`<button type="button" key=${photo.id} class="removes" aria-label=${`Remove ${photo.name}`} onClick=${() => setPhotos((last) => last.filter((one) => one !== photo))}>
    ${photo.url ? html`<img src=${photo.url} alt="" />` : html`<span class="no-picture"></span>`}<span class="strip-words">remove</span></button>`)}</div>`}
  <${Field} label="Or captures of a data set" value=${capture} onInput=${(event) => setCapture(event.target.value)} hint="Such as orl:3 orl:14, counted from 0." /></section>`;

function Ask({ networks, network, faces, layers, onJob }) {
  const [compare, setCompare] = useState("");
  const [methods, setMethods] = useState(["occlusion"]);
  const [certify, setCertify] = useState(false);
  const others = networks.filter(({ id }) => id !== network.id);
  const [look, looking] = useDoing(async () => {
    const photos = await Promise.all(faces.map(({ sent }) => sent()));
    const { id } = await call(`/networks/${encodeURIComponent(network.id)}/look`, { json: { photos, compare, layers, methods, certify } });
    onJob(id);
    say("It looks.");
  });
  const toggle = (name, on) => setMethods((last) => (on ? [...last, name] : last.filter((one) => one !== name)));
  return html`<form class="ask" onSubmit=${(event) => event.preventDefault() || look()}>
    <h2>Look further</h2>
    ${others.length > 0 && html`<${Choice} label="Compare with" value=${compare} onChange=${setCompare} options=${[["", "no other network"], ...others.map(({ id, name }) => [id, name])]} />`}
    <fieldset class="choices"><legend>Which places decide: methods</legend>
      ${METHODS.map(([name, words]) => html`<${Check} key=${name} label=${words} checked=${methods.includes(name)} onChange=${(on) => toggle(name, on)} />`)}
      <p class="hint">${methods.length ? "Each method draws a map for each face." : "None: the page will show the layers alone, and is made soon."}</p></fieldset>
    <${Check} label="Check the maps (takes 10 to 40 times as long)" checked=${certify} disabled=${!methods.length} onChange=${setCertify} />
    <${Notice} problem=${looking.problem} />
    <p class="buttons"><button class="main" disabled=${looking.busy || !faces.length}>Look</button>${!faces.length && html`<span class="quiet">Choose at least one face.</span>`}</p>
  </form>`;
}
