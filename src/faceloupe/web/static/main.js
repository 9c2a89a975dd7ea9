/** Mounts the page: the token first, then one of four places by the address. */

import { call } from "./api.js";
import { Field, Notice, say } from "./parts.js";
import { Look } from "./places/look.js";
import { People } from "./places/people.js";
import { Recognise } from "./places/recognise.js";
import { Studies } from "./places/studies.js";
import { dropToken, keepToken, takeToken } from "./session.js";
import { html, render, useEffect, useErrorBoundary, useRef, useState } from "./ui.js";
import { count } from "./words.js";

const PLACES = { recognise: ["Recognise", Recognise], people: ["People", People], look: ["Look", Look], studies: ["Studies", Studies] };

/** The address behind #, as a place and what is in it: "people/12" is ["people", "12"]. */
function route() {
  const parts = decodeURIComponent(location.hash.slice(1)).split("/");
  return parts[0] in PLACES ? parts : ["recognise"];
}

function Page() {
  const [entered, setEntered] = useState(Boolean(takeToken()));
  const [refused, setRefused] = useState(false);
  const [here, setHere] = useState(route());
  const [health, setHealth] = useState(null);
  const shelf = useShelf();
  const [place, ...rest] = here;

  useEffect(() => {
    const follow = () => {
      if (takeToken()) setEntered(true);
      setHere(route());
    };
    const leave = () => {
      dropToken();
      setRefused(true);
      setEntered(false);
    };
    addEventListener("hashchange", follow);
    addEventListener("token-refused", leave);
    return () => {
      removeEventListener("hashchange", follow);
      removeEventListener("token-refused", leave);
    };
  }, []);
  useEffect(() => {
    if (entered) call("/health").then(setHealth, () => setHealth(null));
  }, [entered, here.join("/")]);

  if (!entered) return html`<${Door} refused=${refused} onToken=${(given) => {
    keepToken(given);
    setRefused(false);
    setEntered(true);
  }} />`;
  const [title, Place] = PLACES[place];
  return html`<header class="top">
      <a class="brand" href="#recognise"><img src="icon.svg" alt="" width="26" height="26" />faceloupe</a>
      <nav aria-label="Places">${Object.entries(PLACES).map(
        ([key, [words]]) => html`<a key=${key} href=${`#${key}`} aria-current=${key === place ? "page" : undefined}>${words}</a>`,
      )}</nav>
      <p class="health">${health && html`${count(health.people, "person", "people")} · ${health.embedder}`}</p>
    </header>
    <${Main} key=${place} title=${title} rest=${rest.join("/")}><${Place} rest=${rest} shelf=${shelf} /></${Main}>`;
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

/** Asks for the token where the address brought none, or a wrong one. */
function Door({ refused, onToken }) {
  const [given, setGiven] = useState("");
  useEffect(() => {
    document.title = "faceloupe";
    if (refused) say("The server does not take this token.");
  }, [refused]);
  return html`<main id="main" class="door" tabindex="-1">
    <img src="icon.svg" alt="" width="72" height="72" />
    <h1 tabindex="-1">${refused ? "The server does not take this token" : "This page needs its token"}</h1>
    <p>${refused ? "A server that was started anew has a new one." : "It shows that you may use this server."} It stands
      in the terminal that runs <code>faceloupe serve</code>, at the end of the address behind <code>#token=</code>: open
      that address, or paste the token here. A key made by <code>faceloupe key</code> works as well.</p>
    <form onSubmit=${(event) => {
      event.preventDefault();
      const token = given.trim().replace(/^.*#token=/, "");
      if (token) onToken(token);
    }}>
      <${Field} label="Token" type="password" value=${given} required=${true} aria-invalid=${refused ? "true" : undefined}
        onInput=${(event) => setGiven(event.target.value)} />
      <button class="main">Enter</button>
    </form>
    <p class="quiet">It is kept in this tab alone, until the tab is closed.</p>
  </main>`;
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address says where one is
  document.getElementById("main").focus();
});
render(html`<${Page} />`, document.getElementById("page"));
