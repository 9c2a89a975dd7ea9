/** Enrolling many people at once: a folder with a folder for each of them, or the same in a ZIP file. */

import { call } from "../api.js";
import { useDoing, useLoaded, useTitle } from "../hooks.js";
import { JobList } from "../jobs.js";
import { Bar, Button, Check, Field, Notice, say } from "../parts.js";
import { html, useState } from "../ui.js";
import { askJob } from "../watching.js";
import { count } from "../words.js";
import { zipOf } from "../zip.js";

const TABLE = /^[^/]+\/people\.csv$/i; // of the folder itself: it says whom each folder shows
const PHOTOGRAPH = /\.(jpe?g|jfif|jpe|png|webp|bmp|tiff?|gif|p[gpbn]m)$/i; // as the server takes them from an archive
const MOST_BYTES = 24 * 2 ** 20; // of an archive: the server takes a request of 32 MB,
const MOST_FILES = 2000; // and 5,000 files
const PATIENCE = 10; // seconds after which a busy server is asked again, if it does not say

export function EnrolMany() {
  const [form, setForm] = useState({ consent: "", central: false, keep_faces: false, force: false });
  const [chosen, setChosen] = useState(/** @type {null | ReturnType<typeof partsOf>} */ (null));
  const [sent, setSent] = useState(0);
  const change = (more) => setForm((last) => ({ ...last, ...more }));
  useTitle("Enrol many", "People");
  const [send, sending] = useDoing(async (signal) => {
    for (let part = sent; part < chosen.parts.length && !signal.aborted; part++) {
      const files = chosen.parts[part];
      const archive = chosen.archive ?? (await zipOf(files));
      await patiently(() => askJob("/people/archive", { form: { ...form, archive } }), signal);
      setSent(part + 1);
    }
    if (signal.aborted) return;
    say("Everything is sent.");
    setChosen(null);
  });
  function choose(files, isArchive) {
    const list = [...files];
    if (!list.length) return;
    setSent(0);
    setChosen(isArchive ? { archive: list[0], parts: [list], leftOut: [], count: 0 } : partsOf(list));
  }
  return html`<div class="two-columns"><form class="begin"
      onSubmit=${(event) => event.preventDefault() || sending.busy || send()}>
    <h2>Enrol many people</h2>
    <p>A folder for each person, named as the person, with photographs in it: <code>Ann/1.jpg</code>,
      <code>Bob/1.jpg</code>. Choose the folder that holds them, or a ZIP file of it of at most 32 MB.</p>
    <p class="quiet">A table <code>people.csv</code> beside the folders, with the columns
      <code>folder,name,external_id,metadata</code>, says who is who: then only folders that it lists are enrolled.</p>
    <${Chooser} label="Choose a folder" webkitdirectory onFiles=${(files) => choose(files, false)} />
    <${Chooser} label="or a ZIP file" accept=".zip,application/zip" onFiles=${(files) => choose(files, true)} />
    ${chosen && html`<${Chosen} chosen=${chosen} />`}
    <${Field} label="Note on consent" value=${form.consent} maxlength="2000"
      onInput=${(event) => change({ consent: event.target.value })}
      hint="When and how these people agreed; faces are personal data." />
    <${Check} label="Of several faces take the one nearest the centre" checked=${form.central}
      onChange=${(central) => change({ central })} />
    <${Check} label="Keep the face chips too, to be seen in the record" checked=${form.keep_faces}
      onChange=${(keep_faces) => change({ keep_faces })} />
    <${Check} label="Enrol faces of poor quality too" checked=${form.force} onChange=${(force) => change({ force })} />
    <${Notice} problem=${sending.problem} />
    <p class="buttons"><${Button} class="main" busy=${sending.busy} disabled=${!chosen?.parts.length}>Enrol them
      </${Button}></p>
    ${
      sending.busy &&
      chosen &&
      html`<${Bar} label="Sent" share=${sent / chosen.parts.length} />
      <p class="quiet">Sending part ${sent + 1} of ${chosen.parts.length}; stay here until all are sent.</p>`
    }</form>
    <section aria-label="Enrolments"><${JobList} kinds=${["enrol"]}>${({ id }) => html`<${Outcome} id=${id} />`}
      </${JobList}></section></div>`;
}

const Chooser = ({ label, onFiles, ...more }) => html`<label class="field"><span class="label">${label}</span>
  <input type="file" ...${more} onChange=${(event) => onFiles(event.target.files)} /></label>`;

function Chosen({ chosen: { archive, parts, leftOut, count: number } }) {
  if (archive) return html`<p class="quiet">${archive.name}</p>`;
  return html`<p class="quiet">${count(number, "photograph")}, sent in ${count(parts.length, "part")}.</p>
    <${LeftOut} refused=${leftOut} />`;
}

/** What became of each photograph. */
function Outcome({ id }) {
  const result = useLoaded((signal) => call(`/jobs/${id}/result`, { signal }), [id]);
  if (!result.value) return html`<${Notice} problem=${result.problem} />`;
  const { enrolled: people, refused } = result.value;
  const total = (key) => people.reduce((sum, person) => sum + person[key].length, 0);
  const known = total("already_enrolled");
  const out = [...people.flatMap((person) => person.refused), ...refused];
  const doubtful = people.flatMap((person) => person.doubtful);
  return html`<p>${count(total("enrolled"), "photograph")} enrolled of
      ${" "}${count(people.filter((person) => person.enrolled.length).length, "person", "people")}${
        known ? `, ${known.toLocaleString("en-GB")} known before` : ""
      }.</p>
    <${LeftOut} refused=${out} />
    <${LeftOut} refused=${doubtful} words="enrolled, but look again" />`;
}

function LeftOut({ refused, words = "left out" }) {
  if (!refused.length) return null;
  return html`<details open=${refused.length < 10}><summary>${count(refused.length, "file")} ${words}</summary>
    <ul class="short">${refused.map(({ path, reason }) => html`<li key=${path}><b>${path}</b>: ${reason}</li>`)}</ul>
  </details>`;
}

/** Sort the files of a folder into parts that the server takes at once, and those left out, with the reason. */
export function partsOf(files) {
  const parts = [];
  const leftOut = [];
  const tables = files
    .filter((file) => TABLE.test(file.webkitRelativePath))
    .map((file) => ({ name: file.webkitRelativePath, blob: file }));
  let size = Infinity;
  for (const file of files.sort((first, second) => (first.webkitRelativePath < second.webkitRelativePath ? -1 : 1))) {
    const path = file.webkitRelativePath || file.name;
    if (path.split("/").some((name) => name.startsWith("."))) continue; // hidden, such as .DS_Store
    if (TABLE.test(path)) continue; // goes with each part
    if (!PHOTOGRAPH.test(path)) leftOut.push({ path, reason: "not called like an image, and not sent" });
    else if (file.size > MOST_BYTES) leftOut.push({ path, reason: "larger than 24 MB" });
    else {
      if (size + file.size > MOST_BYTES || parts.at(-1).length >= MOST_FILES) {
        parts.push([]);
        size = 0;
      }
      parts.at(-1).push({ name: path, blob: file });
      size += file.size;
    }
  }
  const number = parts.flat().length;
  return { archive: null, parts: parts.map((part) => [...tables, ...part]), leftOut, count: number };
}

/** Ask, and again while the server has too much to do. */
async function patiently(ask, signal) {
  for (;;) {
    try {
      return await ask();
    } catch (problem) {
      if (problem.status !== 429 || signal.aborted) throw problem;
      await new Promise((done) => setTimeout(done, 1000 * (problem.retryAfter || PATIENCE)));
    }
  }
}
