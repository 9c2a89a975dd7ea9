/** Pages that the server made, in a frame or in a tab of their own: a ticket stands in for the token there. */

import { call } from "./api.js";
import { useDoing, useLoaded } from "./hooks.js";
import { Button, Loaded, Notice } from "./parts.js";
import { html, useRef, useState } from "./ui.js";

/**
 * A page, shown or not, and a way to open it in a tab.
 *
 * @param {{path: string, title: string, open?: boolean, at?: string}} props
 *   `path` makes the ticket; `at` names the part of the page to begin at.
 */
export function Page({ path, title, open = false, at = "" }) {
  const [shown, setShown] = useState(open);
  return html`<div class="page-of"><div class="buttons">
      <button type="button" class=${shown ? "" : "main"} aria-expanded=${String(shown)}
        onClick=${() => setShown(!shown)}>${shown ? "Hide the page" : "Show the page"}</button>
      <${OpenPage} path=${path} /></div>
    ${shown && html`<${Framed} path=${path} title=${title} at=${at} />`}</div>`;
}

function Framed({ path, title, at }) {
  const ticket = useLoaded((signal) => call(path, { method: "POST", signal }), [path]);
  const address = ticket.value?.address;
  const seen = useRef(undefined);
  function loaded() {
    // A frame that was moved, or gone back to, loads its address again; a ticket is good once.
    if (address && seen.current === address) ticket.again();
    seen.current = address;
  }
  return html`<div class="frame">${!address && html`<${Loaded} from=${ticket} what="the page" />`}
    <iframe key=${address} title=${title} src=${address && address + at} hidden=${!address} sandbox="allow-scripts"
      onLoad=${loaded}></iframe></div>`;
}

function OpenPage({ path }) {
  const [link, setLink] = useState(null);
  const [show, showing] = useDoing(async () => {
    const { address } = await call(path, { method: "POST" });
    const tab = open(address, "_blank");
    if (tab) tab.opener = null;
    setLink(tab ? null : address);
  });
  return html`<${Button} busy=${showing.busy} onClick=${show}>Open in a tab <span aria-hidden="true">↗</span>
    </${Button}>
    ${
      link &&
      html`
        <p>Your browser opened no tab. <a href=${link} target="_blank" rel="noopener">Open it by this link
          </a>, within a minute.</p>`
    }
    <${Notice} problem=${showing.problem} />`;
}
