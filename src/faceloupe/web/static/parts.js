/** The small parts that every place is made of. */

import { html, useEffect, useRef } from "./ui.js";

/** Say a sentence to those who hear the page. */
export function say(sentence) {
  const heard = document.getElementById("said");
  if (heard.textContent !== sentence) heard.textContent = sentence;
}

// States that another try may find gone: of the page itself, and of the server.
const PASSING = [undefined, 0, 408, 429];

/** What went wrong, and what to do; `onAgain` is offered where the same may go well another time. */
export function Notice({ problem, onAgain }) {
  if (!problem) return null;
  const passing = PASSING.includes(problem.status) || problem.status >= 500;
  return html`<div class="notice" role="alert">
    <p class="notice-title">${problem.title ?? "Something went wrong in this page"}</p>
    <p>${problem.detail ?? problem.message}</p>
    ${problem.remedy && html`<p class="quiet">${problem.remedy}</p>`}
    ${onAgain && passing && html`<p><button type="button" onClick=${onAgain}>Try again</button></p>`}
  </div>`;
}

/** A button that keeps the focus while it is at work, and does nothing then. Without `onClick` it sends its form. */
export const Button = ({ busy, onClick, children, ...more }) => html`<button type=${onClick ? "button" : "submit"}
  aria-disabled=${busy ? "true" : undefined} onClick=${busy ? undefined : onClick} ...${more}>${children}</button>`;

/** What a place shows while there is nothing. */
export const Empty = ({ title, children }) => html`<div class="empty"><p class="empty-title">${title}</p>${children}
  </div>`;

export const Loading = ({ what }) => html`<p class="loading" role="status"><span class="dots" aria-hidden="true">
  <i></i><i></i><i></i></span> ${what}</p>`;

/** A loaded thing, or what stands in for it. */
export function Loaded({ from, what, children }) {
  if (from.problem) return html`<${Notice} problem=${from.problem} onAgain=${from.again} />`;
  if (from.value === null) return html`<${Loading} what=${`Loading ${what}`} />`;
  return children(from.value);
}

/** A line of text to fill in. */
export function Field({ label, hint, ...input }) {
  return html`<label class="field"><span class="label">${label}</span>
    <input ...${{ type: "text", autocomplete: "off", spellcheck: false, ...input }} />
    ${hint && html`<span class="hint">${hint}</span>`}</label>`;
}

export function Choice({ label, value, options, onChange, hint }) {
  return html`<label class="field"><span class="label">${label}</span>
    <select value=${value} onChange=${(event) => onChange(event.target.value)}>
      ${options.map(([key, words]) => html`<option key=${key} value=${key}>${words}</option>`)}
    </select>${hint && html`<span class="hint">${hint}</span>`}</label>`;
}

export const Check = ({ label, checked, onChange, ...more }) => html`<label class="check">
  <input type="checkbox" checked=${checked} onChange=${(event) => onChange(event.target.checked)} ...${more} />
  <span>${label}</span></label>`;

/** Links that lead to the parts of a place. */
export const Parts = ({ label, parts, here }) => html`<nav class="parts" aria-label=${label}>
  ${parts.map(
    ([to, words]) => html`
        <a key=${to} href=${`#${to}`} aria-current=${to === here ? "page" : undefined}>${words}</a>`,
  )}
</nav>`;

/**
 * A question in front of the page, and the button that does it; Esc and the other button leave it.
 *
 * @param {{title: string, verb: string, leave?: string, danger?: boolean, ready?: boolean, busy: boolean,
 *   problem?: Error | null, onDo: () => void, onClose: () => void, children?: any}} props
 */
export function Ask({ title, verb, leave = "Cancel", danger, ready = true, busy, problem, onDo, onClose, children }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => {
    const element = dialog.current;
    const before = document.activeElement;
    element.showModal();
    return () => {
      element.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return html`<dialog ref=${dialog} aria-labelledby="dialog-title" onCancel=${onClose}>
    <h2 id="dialog-title">${title}</h2>
    <form onSubmit=${(event) => event.preventDefault() || (ready && onDo())}>${children}
      <${Notice} problem=${problem} />
      <p class="buttons"><${Button} class=${danger ? "danger main" : "main"} disabled=${!ready} busy=${busy}>${verb}
        </${Button}><button type="button" onClick=${onClose}>${leave}</button></p></form></dialog>`;
}

/** How far something is; null while that is not known. */
export const Bar = ({ label, share }) => html`<progress aria-label=${label} max="1" value=${share ?? undefined}>
  </progress>`;

/** What is measured on a face that does not suffice, or that it does. */
export function Shortcomings({ list }) {
  if (!list.length) return html`<p class="fit"><span aria-hidden="true">✓</span> Good enough to be enrolled.</p>`;
  return html`<ul class="short">${list.map((words) => html`<li key=${words}>${upper(words)}.</li>`)}</ul>`;
}

const upper = (words) => words.charAt(0).toUpperCase() + words.slice(1);

/** A score against its threshold, on a line from −0.2 to 1. */
export function Scale({ threshold, marks, label }) {
  const at = (value) => `${(100 * (Math.max(-0.2, Math.min(1, value)) + 0.2)) / 1.2}%`;
  return html`<div class="ruler" role="img" aria-label=${label}>
    <div class="ruler-line"><span class="ruler-pass" style=${{ left: at(threshold) }}></span>
      ${marks.map(
        ({ value, first }) =>
          html`<span class=${`ruler-mark ${first ? "first" : ""} ${value < threshold ? "below" : ""}`}
              style=${{ left: at(value) }}></span>`,
      )}
      <span class="ruler-threshold" style=${{ left: at(threshold) }}></span></div>
    <div class="ruler-words"><span style=${{ left: at(0) }}>0</span><span style=${{ left: at(threshold) }}>threshold
      </span>
      <span style=${{ left: at(1) }}>1</span></div>
  </div>`;
}
