/** People: who is in the gallery, and everything that can be done to them. */

import { call } from "../api.js";
import { useDoing, useLoaded, useTitle } from "../hooks.js";
import { Button, Choice, Empty, Loaded, Loading, Notice, Parts, say } from "../parts.js";
import { may } from "../session.js";
import { html, useEffect, useState } from "../ui.js";
import { called, count, day, entryWords, moment, oneIn, percent, score } from "../words.js";
import { EnrolMany } from "./archive.js";
import { Enrol } from "./enrolling.js";
import { Person } from "./person.js";
import { Review, Unknown } from "./review.js";

const AT_ONCE = 50;
const MOST = 1000; // that the server lists at once
const SETTLE = 250; // milliseconds after the last letter
const VIEWS = {
  "": { words: "Everybody", View: Everybody, scope: "recognise" },
  enrol: { words: "Enrol", View: Enrol, scope: "enrol" },
  many: { words: "Enrol many", View: EnrolMany, scope: "enrol" },
  review: { words: "Review", View: Review, scope: "recognise" },
  unknown: { words: "Unknown", View: Unknown, scope: "enrol" },
  threshold: { words: "Threshold", View: Threshold, scope: "recognise" },
  audit: { words: "Trail", View: Trail, scope: "admin" },
};
const address = (view) => (view ? `people/${view}` : "people");
const searching = (search) => (search ? `#people/search/${encodeURIComponent(search)}` : "#people");

export function People({ rest, shelf }) {
  return /^\d+$/.test(rest[0])
    ? html`<${Person} key=${rest[0]} id=${rest[0]} shelf=${shelf} />`
    : html`
    <${Gallery} rest=${rest} shelf=${shelf} />`;
}

function Gallery({ rest: [part = "", more = ""], shelf }) {
  const open = Object.entries(VIEWS).filter(([, { scope }]) => may(scope));
  const [view, { words, View }] = open.find(([key]) => key === part) ?? open[0];
  useTitle(...(view ? [words] : []), "People");
  return html`<div class="intro"><h1 tabindex="-1">People</h1>
      <p>Those whom this gallery knows. Kept are numbers of their faces, and pictures only where you say so.</p></div>
    <${Parts} label="The gallery" parts=${open.map(([key, entry]) => [address(key), entry.words])}
      here=${address(view)} />
    <${View} key=${view} shelf=${shelf} rest=${[part, more]} search=${part === "search" ? more : ""} />`;
}

/** Load a list part by part; `path` tells the address of the part behind a cursor. */
function useList(path, key, on) {
  const list = useLoaded((signal) => call(path(""), { signal }), on);
  const [next, more] = useDoing(async (signal) => {
    const part = await call(path(list.value.next), { signal });
    list.set({ ...part, [key]: [...list.value[key], ...part[key]] });
  });
  useEffect(() => more.clear, on);
  return { list, more, next };
}

const More = ({ list, more, next }) => html`${
  list.next &&
  html`
      <p class="buttons"><${Button} busy=${more.busy} onClick=${next}>Show more</${Button}></p>`
}
  <${Notice} problem=${more.problem} />`;

/** The address keeps what is searched for, the shelf how many were shown, for whoever comes back from one of them. */
function Everybody({ shelf, search: initial }) {
  const [typed, setTyped] = useState(initial);
  const [search, setSearch] = useState(initial);
  const [shown, setShown] = shelf("people shown", { search: "", many: 0 });
  useEffect(() => {
    if (location.hash !== searching(typed.trim())) history.replaceState(null, "", searching(typed.trim()));
    const settling = setTimeout(() => setSearch(typed.trim()), SETTLE);
    return () => clearTimeout(settling);
  }, [typed]);
  const atFirst = shown.search === search ? Math.min(MOST, Math.max(AT_ONCE, shown.many)) : AT_ONCE;
  const query = (cursor) =>
    `/people?${new URLSearchParams({ search, cursor, limit: String(cursor ? AT_ONCE : atFirst) })}`;
  const { list, more, next } = useList(query, "people", [search]);
  const people = list.value?.people;
  useEffect(() => {
    if (!people) return;
    setShown({ search, many: people.length });
    if (search)
      say(
        people.length
          ? `${list.value.next ? "More than " : ""}${count(people.length, "person", "people")} found.`
          : "Nobody found.",
      );
  }, [people]);
  return html`<label class="field search"><span class="label">Search by name</span>
      <input type="search" value=${typed} autocomplete="off" spellcheck=${false}
        onInput=${(event) => setTyped(event.target.value)} /></label>
    <${Loaded} from=${list} what="the people">
      ${(value) =>
        value.people.length
          ? html`<${Table} people=${value.people} />
            <${More} list=${value} more=${more} next=${next} />`
          : html`<${Nobody} search=${search} />`}</${Loaded}>`;
}

function Nobody({ search }) {
  if (search)
    return html`<${Empty} title=${`Nobody is called “${search}”`}><p>A part of the name is enough.</p>
    </${Empty}>`;
  return html`<${Empty} title="Nobody is enrolled yet">
      <p>One good photograph of a person is enough to begin; three to five are better.</p>
    ${
      may("enrol") &&
      html`<p class="buttons"><a class="button main" href="#people/enrol">Enrol the first person</a>
        </p>`
    }</${Empty}>`;
}

const Table = ({ people }) => html`
  <div class="scroll-x"><table class="people"><caption class="heard-only">People in the gallery</caption>
  <thead><tr><th scope="col">Name</th><th scope="col" class="right">References</th><th scope="col" class="wide">Since
      </th><th scope="col" class="wide">Consent</th></tr></thead>
  <tbody>${people.map(
    (person) => html`
      <tr key=${person.id}><th scope="row"><a href=${`#people/${person.id}`}>${called(person)}</a></th>
        <td class="right">${person.references}</td>
      <td class="wide when">${day(person.created)}</td>
      <td class="wide quiet">${person.consent.split("\n")[0] || "–"}</td>
      </tr>`,
  )}</tbody></table></div>`;

function Threshold() {
  const points = useLoaded((signal) => call("/points", { signal }), []);
  return html`<${Loaded} from=${points} what="the threshold">${({ used, published }) => html`
    <section class="in-use"><p class="big-number">${score(used.point.threshold)}</p>
      <div><h2>The threshold in use</h2>
        <p class="quiet">
          ${used.source === "gallery" ? "Calibrated on this gallery." : "As published with the embedder."}</p></div>
          </section>
    <div class="in-words">${used.words.split("\n").map((line) => html`<p key=${line}>${line}</p>`)}
    ${may("admin") && html`<${Calibrate} own=${used.source === "gallery"} onDone=${points.again} />`}
    <div class="scroll-x"><table><caption>Published thresholds of this embedder</caption>
      <thead><tr><th scope="col" class="right">Threshold</th><th scope="col">Two people mistaken for one</th>
          <th scope="col" class="right">One person missed</th></tr></thead>
      <tbody>${published.map(
        ({ point }) => html`
            <tr key=${point.threshold}><th scope="row" class="right">${score(point.threshold)}</th>
              <td>${oneIn(point.fmr)}</td><td class="right">${percent(point.fnmr, 2)}</td></tr>`,
      )}</tbody>
    </table></div></div>`}</${Loaded}>`;
}

const RATES = [
  ["0.01", "1 in 100"],
  ["0.001", "1 in 1,000"],
  ["0.0001", "1 in 10,000"],
  ["0.00001", "1 in 100,000"],
];

/** Choose the gallery's own threshold, which decides for everybody, or take it back. */
function Calibrate({ own, onDone }) {
  const [fmr, setFmr] = useState("0.001");
  const [calibrate, calibrating] = useDoing(async () => {
    await call("/calibrate", { json: { fmr: Number(fmr) } });
    say("The threshold is calibrated.");
    onDone();
  });
  const [reset, resetting] = useDoing(async () => {
    await call("/points", { method: "DELETE" });
    say("The published threshold decides again.");
    onDone();
  });
  return html`<form class="line-form" onSubmit=${(event) => event.preventDefault() || calibrate()}>
    <${Choice} label="Calibrate on this gallery: two people may be mistaken" value=${fmr} options=${RATES}
      onChange=${setFmr} />
    <${Button} busy=${calibrating.busy}>Calibrate</${Button}>
    ${own && html`<${Button} busy=${resetting.busy} onClick=${reset}>Back to the published one</${Button}>`}
    ${calibrating.busy && html`<${Loading} what="Comparing all references" />`}
    <${Notice} problem=${calibrating.problem ?? resetting.problem} /></form>`;
}

function Trail() {
  const { list, more, next } = useList(
    (cursor) => `/audit?${new URLSearchParams({ cursor, limit: String(AT_ONCE) })}`,
    "audit",
    [],
  );
  return html`<p class="quiet">Who did what, the newest first. It holds no names: only the numbers of people.</p>
    <${Loaded} from=${list} what="the trail">${(value) =>
      value.audit.length
        ? html`<div class="scroll-x"><table><caption class="heard-only">The trail</caption>
          <thead><tr><th scope="col">When</th><th scope="col" class="wide">Who</th><th scope="col">What</th>
              <th scope="col" class="right">Person</th></tr></thead>
          <tbody>${value.audit.map(
            (entry) => html`
                <tr key=${entry.id}><td class="when">${moment(entry.at)}</td><td class="wide">${entry.who}</td>
                  <th scope="row">${entryWords(entry)}</th><td class="right">${entry.subject_id ?? "–"}</td></tr>`,
          )}
                  </tbody></table></div>
          <${More} list=${value} more=${more} next=${next} />`
        : html`<${Empty} title="Nothing has happened yet"><p>Every change of the gallery leaves a line here.</p>
          </${Empty}>`}</${Loaded}>`;
}
