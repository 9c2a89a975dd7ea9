/** Mounts the page: the token first, then one of four places by the address. */

import { call } from "./api.js";
import { useDoor } from "./door.js";
import { useKeptFocus } from "./focus.js";
import { Empty, Loading, Notice } from "./parts.js";
import { Look } from "./places/look.js";
import { People } from "./places/people.js";
import { Recognise } from "./places/recognise.js";
import { Studies } from "./places/studies.js";
import { allow, may } from "./session.js";
import { html, render, useEffect, useErrorBoundary, useRef, useState } from "./ui.js";
import { count } from "./words.js";

const PLACES = {
  recognise: { title: "Recognise", Place: Recognise, scope: "recognise" },
  people: { title: "People", Place: People, scope: "recognise" },
  look: { title: "Look", Place: Look, scope: "look" },
  studies: { title: "Studies", Place: Studies, scope: "look" },
};

/** The address behind #, as a place and what is in it: "people/12" is ["people", "12"]. */
function route() {
  const parts = location.hash.slice(1).split("/").map(decoded);
  return Object.hasOwn(PLACES, parts[0]) ? parts : [];
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // typed by hand, perhaps
  }
}

function Page() {
  const door = useDoor();
  const [here, setHere] = useState(route());
  const [gallery, setGallery] = useState(0); // how often this page has changed it
  const [health, setHealth] = useState(undefined); // null if it cannot be told
  const shelf = useShelf();

  useEffect(() => {
    const follow = () => setHere(route());
    const changed = () => setGallery((last) => last + 1);
    addEventListener("hashchange", follow);
    addEventListener("gallery-changed", changed);
    return () => {
      removeEventListener("hashchange", follow);
      removeEventListener("gallery-changed", changed);
    };
  }, []);
  useEffect(() => {
    const know = (state) => {
      allow(state?.scopes);
      setHealth(state);
    };
    if (door) know(undefined);
    else call("/health").then(know, () => know(null));
  }, [!door, here.join("/"), gallery]);

  if (door) return door;
  const open = Object.keys(PLACES).filter((key) => may(PLACES[key].scope));
  const [place = open[0] ?? "recognise", ...rest] = here;
  const { title, Place, scope } = PLACES[place];
  return html`<header class="top">
      <a class="brand" href=${`#${open[0] ?? ""}`}><img src="icon.svg" alt="" width="26" height="26" />faceloupe</a>
      <nav aria-label="Places">
        ${open.map(
          (key) => html`
              <a key=${key} href=${`#${key}`} aria-current=${key === place ? "page" : undefined}>${PLACES[key].title}
              </a>`,
        )}</nav>
      <p class="health">${health && html`${count(health.people, "person", "people")} · ${health.embedder}`}</p>
    </header>
    <${Main} key=${place} rest=${rest.join("/")}>${
      health === undefined
        ? html`<${Loading} what="Asking the server" />`
        : may(scope)
          ? html`<${Place} rest=${rest} shelf=${shelf} gallery=${gallery} />`
          : html`<h1 tabindex="-1">${title}</h1>
            <${Empty} title="Your key is not for this">
              <p>It is for ${health.scopes.join(", ")}; this takes ${scope}. Who runs the server can make you another.
              </p></${Empty}>`
    }</${Main}>
    <footer class="foot"><a href="api.html">The API
      </a> <span>For programs: every address, what it takes and what it answers.</span></footer>`;
}

/** What stays when the place changes: `shelf(name, initial)` is as useState, but by name. */
function useShelf() {
  const [things, setThings] = useState({});
  return (name, initial) => {
    const of = (all) => (Object.hasOwn(all, name) ? all[name] : initial);
    return [
      of(things),
      (change) => setThings((all) => ({ ...all, [name]: typeof change === "function" ? change(of(all)) : change })),
    ];
  };
}

/** The place; moving to another part of it moves the focus to its heading, so that reading begins there. */
function Main({ rest, children }) {
  const main = useRef(/** @type {HTMLElement | null} */ (null));
  const [fault, mend] = useErrorBoundary();
  const first = useRef(!document.activeElement || document.activeElement === document.body);
  useKeptFocus(main);
  useEffect(() => {
    mend(); // what went wrong did so elsewhere
    if (!first.current) main.current.querySelector("h1")?.focus();
    first.current = false;
    scrollTo({ top: 0 });
  }, [rest]);
  return html`<main id="main" tabindex="-1" ref=${main}>
      ${fault ? html`<${Notice} problem=${fault} onAgain=${mend} />` : children}</main>`;
}

render(html`<${Page} />`, document.getElementById("page"));
