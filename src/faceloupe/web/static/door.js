/** The token first: what asks for it where the address brought none, or a wrong one. */

import { useTitle } from "./hooks.js";
import { Field, say } from "./parts.js";
import { dropToken, keepToken, takeToken } from "./session.js";
import { html, useEffect, useRef, useState } from "./ui.js";

/** Return the door to show, or null while there is a token that the server has not refused. */
export function useDoor() {
  const [entered, setEntered] = useState(Boolean(takeToken()));
  const [refused, setRefused] = useState(false);
  useEffect(() => {
    const follow = () => takeToken() && setEntered(true);
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
  const enter = (token) => {
    keepToken(token);
    setRefused(false);
    setEntered(true);
  };
  return entered ? null : html`<${Door} refused=${refused} onToken=${enter} />`;
}

function Door({ refused, onToken }) {
  const [text, setText] = useState("");
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  useTitle();
  useEffect(() => {
    if (!refused) return;
    say("The server does not take this token.");
    heading.current.focus();
  }, [refused]);
  return html`<main id="main" class="door" tabindex="-1">
    <img src="icon.svg" alt="" width="72" height="72" />
    <h1 tabindex="-1" ref=${heading}>${refused ? "The server does not take this token" : "This page needs its token"}
    </h1>
    <p>${refused ? "A server that was started anew has a new one." : "It shows that you may use this server."} It stands
      in the terminal that runs <code>faceloupe serve</code>, at the end of the address behind <code>#token=
      </code>: open
      that address, or paste the token here. A key made by <code>faceloupe key</code> works as well.</p>
    <form onSubmit=${(event) => {
      event.preventDefault();
      const token = text.trim().replace(/^.*#token=/, "");
      if (token) onToken(token);
    }}>
      <${Field} label="Token" type="password" value=${text} required=${true}
        aria-invalid=${refused ? "true" : undefined}
        onInput=${(event) => setText(event.target.value)} />
      <button class="main">Enter</button>
    </form>
    <p class="quiet">
        It is kept in this tab alone, until the tab is closed: one that another tab was given does not carry
      over to this one.</p>
  </main>`;
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address says where one is
  document.getElementById("main").focus();
});
