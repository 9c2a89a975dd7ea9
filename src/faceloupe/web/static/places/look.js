/** Look: into any network of the server, at any face. */

import { call } from "../api.js";
import { useDoing, useLoaded, useTitle } from "../hooks.js";
import { JobList } from "../jobs.js";
import { Button, Check, Choice, Empty, Field, Loaded, Notice, say } from "../parts.js";
import { dataOf, release } from "../photos.js";
import { Picker } from "../picker.js";
import { html, useEffect, useState } from "../ui.js";
import { askJob } from "../watching.js";
import { count } from "../words.js";
import { Anatomy } from "./anatomy.js";

/** What each method does; which of them there are, the server says. */
const METHODS = {
  occlusion: "Occlusion: cover a part and see what changes",
  correlation: "Correlation: over many random masks",
  gradient: "Gradient: what a small change of each pixel does",
  "gradient-x-activation": "Gradient × activation: what each cell passes on",
  "grad-cam": "Grad-CAM: which places the last layer looks at",
  "integrated-gradients": "Integrated gradients: from a grey face to this one",
};
const CAPTURE = /^(orl|olivetti):\d+$/;

/** The address names the network, and another beside it: `#look/ID/OTHER`. */
export function Look({ rest: [id = "", other = ""], shelf }) {
  useTitle("Look");
  const networks = useLoaded((signal) => call("/networks", { signal }), []);
  const [chosen, setChosen] = useState(id);
  const [photos, setPhotos] = shelf("look", []);
  const [captures, setCaptures] = shelf("captures", "");
  useEffect(() => setChosen(id), [id]);
  function choose(network) {
    setChosen(network);
    showAddress(network);
  }
  const faces = [
    ...photos.map(({ blob }) => ({ kind: "photograph", sent: () => dataOf(blob) })),
    ...[...new Set(captures.split(/[\s,]+/).filter(Boolean))].map((name) => ({
      kind: "capture",
      name,
      sent: async () => name,
    })),
  ];
  return html`<div class="intro"><h1 tabindex="-1">Look</h1>
      <p>Inside a network while it looks at a face: its layers, its maps, and what decides.</p></div>
    <div><${Loaded} from=${networks} what="the networks">${({ networks: list }) => {
      if (!list.length) return html`<${None} />`;
      const network = list.find((entry) => entry.id === chosen) ?? list[0];
      return html`<${Networks} list=${list} chosen=${network.id} onChoose=${choose} />
        <${Inside} key=${network.id} network=${network} others=${alike(network, list)}
          beside=${network.id === id ? other : ""} faces=${faces}>
          <${Faces} photos=${photos} setPhotos=${setPhotos} captures=${captures} setCaptures=${setCaptures} />
          </${Inside}>`;
    }}</${Loaded}></div>
    <${JobList} kinds=${["look"]} />`;
}

/** Tell in the address what is looked at: no change of place, so the focus stays. */
function showAddress(...ids) {
  history.replaceState(null, "", ["#look", ...ids.filter(Boolean).map(encodeURIComponent)].join("/"));
}

/** The networks that can stand beside one: they answer in the same way. */
export const alike = (network, list) =>
  list.filter(
    ({ id, template, parameters }) => id !== network.id && parameters !== null && template === network.template,
  );

/** One network: its layers, the faces (`children`), and what can be asked. */
function Inside({ network, others, beside, faces, children }) {
  const anatomy = useLoaded((signal) => call(`/networks/${encodeURIComponent(network.id)}`, { signal }), [network.id]);
  const [layers, setLayers] = useState([]);
  return html`<${Anatomy} anatomy=${anatomy} chosen=${layers} onChoose=${setLayers} />
    ${children}
    <${Ask} network=${network} others=${others} beside=${beside} faces=${faces} layers=${layers} />`;
}

const None = () => html`
  <${Empty} title="No network is loaded">
    <p>Train one on the page <a href="#studies/train">Studies</a>, or start the server with
  <code>--network</code> and a folder that faceloupe saved, or an ONNX file.</p></${Empty}>`;

const Networks = ({ list, chosen, onChoose }) => html`<fieldset class="cards"><legend>Network</legend>
  ${list.map(
    (network) => html`
      <label key=${network.id} class="card">
        <input type="radio" name="network" checked=${network.id === chosen} onChange=${() => onChoose(network.id)} />
      <span><b>${network.name}</b>
        <span class="quiet">
          ${network.parameters === null ? "cannot be opened" : count(network.parameters, "parameter")}</span>
          <span>${network.words}</span></span></label>`,
  )}</fieldset>`;

function Faces({ photos, setPhotos, captures, setCaptures }) {
  function remove(photo) {
    setPhotos((last) => last.filter((other) => other !== photo));
    release(photo);
    say(`${photo.name} is removed.`);
  }
  return html`<section class="ask" aria-label="Faces to look at"><h2>Faces</h2>
    <${Picker} many paste compact=${photos.length > 0}
      title=${photos.length ? "Another photograph" : "Faces to look at"}
        onPhotos=${(more) => setPhotos((last) => [...last, ...more])} />
    ${
      photos.length > 0 &&
      html`
        <div class="strip">
          ${photos.map(
            (photo) => html`
                <button type="button" key=${photo.id} class="removes" aria-label=${`Remove ${photo.name}`}
                  onClick=${() => remove(photo)}>
      ${photo.url ? html`<img src=${photo.url} alt="" />` : html`<span class="no-picture"></span>`}
        <span class="strip-words">remove</span></button>`,
          )}</div>`
    }
    <${Field} label="Or captures of a data set" value=${captures} onInput=${(event) => setCaptures(event.target.value)}
      hint="Such as orl:3 orl:14, counted from 0." /></section>`;
}

function Ask({ network, others, beside, faces, layers }) {
  const [compare, setCompare] = useState(others.some(({ id }) => id === beside) ? beside : "");
  function putBeside(id) {
    setCompare(id);
    showAddress(network.id, id);
  }
  const [methods, setMethods] = useState([]);
  const [certify, setCertify] = useState(false);
  const other = others.find(({ id }) => id === compare);
  const able = network.methods.filter((method) => !other || other.methods.includes(method));
  const wanted = methods.filter((method) => able.includes(method));
  const [look, looking] = useDoing(async () => {
    const photos = await Promise.all(faces.map(({ sent }) => sent()));
    await askJob(`/networks/${encodeURIComponent(network.id)}/look`, {
      json: { photos, compare, layers, methods: wanted, certify },
    });
    say("It looks.");
  });
  const lacks = lacking(network, faces, wanted);
  const toggle = (name, on) => setMethods((last) => (on ? [...last, name] : last.filter((method) => method !== name)));
  return html`<form class="ask" onSubmit=${(event) => event.preventDefault() || (lacks ? say(lacks) : look())}>
    ${
      others.length > 0 &&
      html`
        <${Choice} label="Beside another network" value=${compare} onChange=${putBeside}
          options=${[["", "no other"], ...others.map(({ id, name }) => [id, name])]} />`
    }
    <details><summary>Which places decide: maps of attribution${wanted.length > 0 && ` (${wanted.length})`}</summary>
      <fieldset class="choices"><legend class="heard-only">Methods</legend>
        ${able.map(
          (name) => html`
              <${Check} key=${name} label=${METHODS[name] ?? name} checked=${methods.includes(name)}
                onChange=${(on) => toggle(name, on)} />`,
        )}
        <p class="hint">
            Each draws a map for each face, which takes its time. Without any, the page shows the layers alone and is
                there at once.</p></fieldset>
      <${Check} label="Check the maps (takes 10 to 40 times as long)" checked=${certify} disabled=${!wanted.length}
        onChange=${setCertify} /></details>
    <${Notice} problem=${looking.problem} />
    <p class="buttons"><${Button} class="main" busy=${looking.busy || lacks}>Look</${Button}>
      <span class="quiet">${lacks}</span></p>
  </form>`;
}

/** What must be chosen still, in a sentence; empty if nothing must. */
function lacking(network, faces, methods) {
  const odd = faces.find(({ kind, name }) => kind === "capture" && !CAPTURE.test(name));
  if (odd) return `“${odd.name}” is no capture: write orl or olivetti, a colon and a number.`;
  if (!faces.length) return "Choose at least one face.";
  if (network.template && methods.length && faces.length < 2)
    return (
      `${network.name} answers with a template, which says something only beside another: ` +
      "choose a second face, or no map."
    );
  return "";
}
