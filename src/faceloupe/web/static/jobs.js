/** A job as it is watched: how far, a way to stop it, and its page when it is done. */

import { call } from "./api.js";
import { openPage, useDoing, useJob } from "./hooks.js";
import { Bar, Loading, Notice, say } from "./parts.js";
import { html, useEffect, useRef, useState } from "./ui.js";
import { STATES, jobShare, kindWords, percent } from "./words.js";

const SAYS = 0.25; // share of a job after which it says again how far it is

/**
 * @param {{id: string, title?: string, page?: boolean, onEnd?: (job: object) => void, children?: (job: object) => any}} props
 *   `page` says whether a finished one has a page to open.
 */
export function JobCard({ id, title, page = true, onEnd, children }) {
  const { job, problem } = useJob(id);
  const [stop, stopping] = useDoing(() => call(`/jobs/${id}`, { method: "DELETE" }));
  const told = useRef("");
  useEffect(() => {
    if (!job) return;
    const share = jobShare(job);
    const key = `${job.state} ${share === null ? "" : Math.floor(share / SAYS)}`;
    if (key !== told.current) {
      told.current = key;
      say(sentence(job, title));
    }
    if (job.ended) onEnd?.(job);
  }, [job]);
  if (!job) return problem ? html`<${Notice} problem=${problem} />` : html`<${Loading} what="Asking how far it is" />`;
  const name = title ?? kindWords(job.kind);
  return html`<section class=${`job ${job.state}`} aria-label=${name}>
    <header><h2>${name}</h2><span class=${`state ${job.state}`}>${STATES[job.state]}</span></header>
    ${!job.ended && html`<${Bar} label=${`${name}: progress`} share=${jobShare(job)} />
      <div class="row"><p class="quiet">${far(job)}</p>
      <button type="button" disabled=${stopping.busy} onClick=${stop}>Stop</button></div>`}
    ${job.state === "failed" && html`<p>${job.error}</p>`}
    ${job.state === "stopped" && html`<p class="quiet">Stopped; what was finished until then is kept.</p>`}
    ${job.state === "done" && page && html`<${OpenPage} path=${`/jobs/${id}/page`} />`}
    ${job.state === "done" && children?.(job)}
    <${Notice} problem=${problem ?? stopping.problem} />
  </section>`;
}

/** A button that opens a page of the server in a new tab; a link, where the browser opens none by itself. */
export function OpenPage({ path, words = "Open the page" }) {
  const [link, setLink] = useState(null);
  const [show, showing] = useDoing(async () => setLink(await openPage(path)));
  return html`<div class="opens"><button type="button" class="main" disabled=${showing.busy} onClick=${show}>${words}
    <span aria-hidden="true"> ↗</span><span class="heard-only"> (in a new tab)</span></button>
    ${link && html`<p>Your browser opened no tab. <a href=${link} target="_blank" rel="noopener">Open it by this link</a>, within a minute.</p>`}
    <${Notice} problem=${showing.problem} /></div>`;
}

function far({ state, done, whole }) {
  if (state === "waiting") return "Waiting for its turn";
  if (!whole) return "Beginning";
  return Number.isInteger(done) && Number.isInteger(whole) && whole > 1
    ? `${done.toLocaleString("en-GB")} of ${whole.toLocaleString("en-GB")}, ${percent(done / whole, 0)}`
    : percent(done / whole, 0);
}

function sentence(job, title) {
  const name = title ?? kindWords(job.kind);
  return job.ended ? `${name}: ${STATES[job.state]}.` : `${name}: ${far(job)}.`;
}
