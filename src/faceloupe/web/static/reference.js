/** The API as its own document describes it: every operation, what it takes and answers, and a line that calls it. */

import { call } from "./api.js";
import { useDoor } from "./door.js";
import { useLoaded, useTitle } from "./hooks.js";
import { Loaded, say } from "./parts.js";
import { curlOf, descriptionOf, fieldsOf, resolve, typeWords } from "./schema.js";
import { html, render, useEffect, useRef, useState } from "./ui.js";
import { count } from "./words.js";

const METHODS = ["get", "post", "put", "patch", "delete"];
const SHOWN = 2000; // milliseconds that a button tells what it did
const DEEP = 2; // levels of an outline that are open at first

function Page() {
  const door = useDoor();
  if (door) return door;
  return html`<header class="top">
      <a class="brand" href="./"><img src="icon.svg" alt="" width="26" height="26" />faceloupe</a>
      <nav aria-label="Places"><a href="./">The page</a><a href="api.html" aria-current="page">The API</a></nav>
      </header>
    <main id="main" tabindex="-1"><${Reference} /></main>
    <footer class="foot"><a href="problems">All problems</a> <span>What can go wrong, and what to do then.</span>
    </footer>`;
}

function Reference() {
  const loaded = useLoaded((signal) => call("/openapi.json", { signal }), []);
  useTitle("The API");
  return html`<div class="intro"><h1 tabindex="-1">The API</h1><p>What this page does, a program can do as well.</p>
    </div>
    <${Loaded} from=${loaded} what="the document">${(api) => html`<${Whole} api=${api} />`}</${Loaded}>`;
}

function Whole({ api }) {
  const here = useHash();
  const entries = entriesOf(api);
  const tags = [...new Set(entries.map(({ tag }) => tag))];
  return html`<p>Every call takes the header <code>Authorization: Bearer TOKEN
      </code>; the lines below read the token from <code>$TOKEN</code>.
      ${count(entries.length, "operation")} of version ${api.info.version}; the document that describes them to programs
          (OpenAPI ${api.openapi}) is at <code>/api/v1/openapi.json</code>.</p>
    <nav class="parts" aria-label="Kinds of operations">
      ${tags.map(
        (tag) => html`<a key=${tag} href=${`#${tag}`} aria-current=${here === tag ? "true" : undefined}>${tag}
            </a>`,
      )}</nav>
    ${tags.map(
      (tag) => html`<section key=${tag} aria-labelledby=${tag}><h2 id=${tag} tabindex="-1">${tag}</h2>
      ${entries
        .filter((entry) => entry.tag === tag)
        .map(
          (entry) => html`
            <${Operation} key=${entry.id} api=${api} entry=${entry} here=${here} />`,
        )}</section>`,
    )}`;
}

/** The address behind #; what it names is shown when it changes, and when the document has come. */
function useHash() {
  const [here, setHere] = useState(location.hash.slice(1));
  useEffect(() => {
    const follow = () => setHere(location.hash.slice(1));
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  useEffect(() => {
    const target = here && document.getElementById(here);
    if (!target) return;
    (target.querySelector("summary") ?? target).focus({ preventScroll: true });
    target.scrollIntoView();
  }, [here]);
  return here;
}

/** The document's operations in its order, each with what links to it: "post-people-person-merge". */
function entriesOf({ paths }) {
  return Object.entries(paths).flatMap(([address, path]) =>
    METHODS.filter((method) => path[method]).map((method) => ({
      id: [method, ...address.replace("/api/v1", "").match(/\w+/g)].join("-"),
      method: method.toUpperCase(),
      address,
      tag: path[method].tags[0],
      operation: path[method],
    })),
  );
}

function Operation({ api, entry, here }) {
  const { id, method, address, operation } = entry;
  const [open, setOpen] = useState(false);
  useEffect(() => {
    if (here === id) setOpen(true);
  }, [here]);
  return html`<details class="operation" id=${id} open=${open} onToggle=${(event) => setOpen(event.target.open)}>
    <summary><h3><span class=${`method ${method}`}>${method}</span> <code>${address}
        </code> <span class="quiet">${operation.summary}</span></h3></summary>
    ${open && html`<${Details} api=${api} entry=${entry} />`}</details>`;
}

function Details({ api, entry }) {
  const { id, operation } = entry;
  const { parameters = [], requestBody, responses } = operation;
  const fields = parameters.map(({ name, in: place, required, schema, description }) => ({
    name,
    required,
    place,
    schema: { ...schema, description },
  }));
  return html`<div class="told"><${Words} text=${operation.description} />
    <${Line} words=${curlOf(api, entry)} />
    ${fields.length > 0 && html`<h4>Parameters</h4><${Fields} api=${api} fields=${fields} />`}
    ${requestBody && html`<${Body} api=${api} content=${requestBody.content} />`}
    <h4>Answers</h4><${Answers} api=${api} responses=${responses} />
    <p><a href=${`#${id}`}>Link to this operation</a></p></div>`;
}

const BODIES = { "application/json": "JSON", "multipart/form-data": "form" };

/** A body, in each of the ways in which it can be sent. */
function Body({ api, content }) {
  return Object.entries(content).map(
    ([kind, { schema }]) => html`<div key=${kind} class="body">
    <h4>Body, ${BODIES[kind] ?? kind}</h4>
      <p class="quiet"><code>${kind}</code> <${Inline} text=${descriptionOf(api, schema)} /></p>
    <${Fields} api=${api} fields=${fieldsOf(api, schema)} /></div>`,
  );
}

function Answers({ api, responses }) {
  const all = Object.entries(responses).sort();
  const failed = all.filter(([status]) => status >= "4");
  const problem = failed.map(([, { content = {} }]) => content["application/problem+json"]?.schema).find(Boolean);
  return html`${all
    .filter(([status]) => status < "4")
    .map(
      ([status, answer]) => html`
        <${Answer} key=${status} api=${api} status=${status} answer=${answer} />`,
    )}
    <details><summary>Or a problem: ${failed.map(([status]) => status).join(", ")}</summary>
      <dl class="statuses">
        ${failed.map(
          ([status, { description }]) => html`<div key=${status}><dt>${status}</dt><dd>${description}</dd>
              </div>`,
        )}</dl>
      ${
        problem &&
        html`<p>Each comes as <code>application/problem+json</code>:</p>
          <${Fields} api=${api} fields=${fieldsOf(api, problem)} />`
      }</details>`;
}

function Answer({ api, status, answer: { description, content = {} } }) {
  const [[kind, { schema = {} }] = ["", {}]] = Object.entries(content);
  return html`<div class="answer">
      <p><b>${status}
        </b> ${kind && html`<code>${kind}</code>`} <${Inline} text=${descriptionOf(api, schema) ?? description} /></p>
    <${Fields} api=${api} fields=${fieldsOf(api, schema)} /></div>`;
}

/** Fields with what they hold, those of objects indented below them. */
function Fields({ api, fields, depth = 1 }) {
  if (!fields.length) return null;
  return html`<ul class="fields">
      ${fields.map((field) => html`<li key=${field.name}><${Value} api=${api} field=${field} depth=${depth} /></li>`)}
      </ul>`;
}

function Value({ api, field: { name, place, required, schema }, depth }) {
  const [open, setOpen] = useState(depth < DEEP);
  const { default: fallback } = resolve(api, schema);
  const description = descriptionOf(api, schema);
  const inner = fieldsOf(api, schema);
  const words = html`<code>${name}</code> <span class="type">${typeWords(api, schema)}</span>
    ${place && html` <span class="quiet">in the ${place}</span>`}${required && html` <b>required</b>`}${
      fallback !== undefined && html` <span class="quiet">${JSON.stringify(fallback)} if left out</span>`
    }${description && html` <span class="about"><${Inline} text=${description} /></span>`}`;
  if (!inner.length) return words;
  return html`<details open=${open} onToggle=${(event) => setOpen(event.target.open)}><summary>${words}</summary>
      ${open && html`<${Fields} api=${api} fields=${inner} depth=${depth + 1} />`}</details>`;
}

/** A line for the shell, with a button that copies it. */
function Line({ words }) {
  const line = useRef(/** @type {HTMLElement | null} */ (null));
  const [copied, setCopied] = useState(null); // null until it was tried
  async function copy() {
    getSelection().selectAllChildren(line.current); // so that it can be copied where the clipboard is closed to pages
    const done = Boolean(
      await navigator.clipboard?.writeText(words).then(
        () => true,
        () => false,
      ),
    );
    say(done ? "The line is copied." : "The line is marked; copy it with the keyboard.");
    setCopied(done);
    setTimeout(() => setCopied(null), SHOWN);
  }
  const shown = copied === null ? "Copy" : copied ? "Copied" : "Marked";
  return html`<div class="line"><pre ref=${line}>${words}</pre>
      <button type="button" onClick=${copy}>${shown}<span class="heard-only"> the line</span></button></div>`;
}

const Words = ({ text = "" }) =>
  text.split(/\n\s*\n/).map(
    (part, index) => html`
    <p key=${index}><${Inline} text=${part} /></p>`,
  );

/** Text in which `this` is code. */
const Inline = ({ text = "" }) =>
  text.split("`").map((part, index) =>
    index % 2
      ? html`<code key=${index}>${part}
      </code>`
      : part,
  );

render(html`<${Page} />`, document.getElementById("page"));
