/** Mounts the page: the token first, then one of four places by the address. */

import { call } from "./api.js";
import { useDoor } from "./door.js";
import { Notice } from "./parts.js";
import { Look } from "./places/look.js";
import { People } from "./places/people.js";
import { Recognise } from "./places/recognise.js";
import { Studies } from "./places/studies.js";
import { html, render, useEffect, useErrorBoundary, useRef, useState } from "./ui.js";
import { count } from "./words.js";

const PLACES = { recognise: ["Recognise", Recognise], people: ["People", People], look: ["Look", Look], studies: ["Studies", Studies] };

/** The address behind #, as a place and what is in it: "people/12" is ["people", "12"]. */
function route() {
  const parts = decodeURIComponent(location.hash.slice(1)).split("/");
  return parts[0] in PLACES ? parts : ["recognise"];
}

function Page() {
  const door = useDoor();
  const [here, setHere] = useState(route());
  const [health, setHealth] = useState(null);
  const shelf = useShelf();
  const [place, ...rest] = here;

  useEffect(() => {
    const follow = () => setHere(route());
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  useEffect(() => {
    if (!door) call("/health").then(setHealth, () => setHealth(null));
  }, [!door, here.join("/")]);

  if (door) return door;
  const [title, Place] = PLACES[place];
  return html`<header class="top">
      <a class="brand" href="#recognise"><img src="icon.svg" alt="" width="26" height="26" />faceloupe</a>
      <nav aria-label="Places">${Object.entries(PLACES).map(
        ([key, [words]]) => html`<a key=${key} href=${`#${key}`} aria-current=${key === place ? "page" : undefined}>${words}</a>`,
      )}</nav>
      <p class="health">${health && html`${count(health.people, "person", "people")} · ${health.embedder}`}</p>
    </header>
    <${Main} key=${place} title=${title} rest=${rest.join("/")}><${Place} rest=${rest} shelf=${shelf} /></${Main}>
    <footer class="foot"><a href="api.html">The API</a> <span>For programs: every address, what it takes and what it answers.</span></footer>`;
}

/** What stays when the place changes: the photographs of Recognise, and the two to be compared. */
function useShelf() {
  const [photographs, setPhotographs] = useState([]);
  const [pair, setPair] = useState([null, null]);
  return { photographs, setPhotographs, pair, setPair };
}

/** The place; moving to another part of it moves the focus to its heading, so that reading begins there. */
function Main({ title, rest, children }) {
  const main = useRef();
  const [fault, mend] = useErrorBoundary();
  const first = useRef(!document.activeElement || document.activeElement === document.body);
  useEffect(() => {
    document.title = `${title} · faceloupe`;
    if (!first.current) main.current.querySelector("h1")?.focus();
    first.current = false;
    scrollTo({ top: 0 });
  }, [rest]);
  return html`<main id="main" tabindex="-1" ref=${main}>${fault ? html`<${Notice} problem=${fault} onAgain=${mend} />` : children}</main>`;
}

render(html`<${Page} />`, document.getElementById("page"));
