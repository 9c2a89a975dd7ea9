/** Jobs as they are watched: how far, a way to stop them, and what came of them. */

import { call } from "./api.js";
import { Page } from "./framed.js";
import { useDoing } from "./hooks.js";
import { Bar, Button, Loading, Notice, say } from "./parts.js";
import { html, useEffect, useRef, useState } from "./ui.js";
import { useJobs } from "./watching.js";
import { STATES, jobShare, jobWords, moment, percent, timeLeft } from "./words.js";

const SAYS = 0.25; // share of a job after which it says again how far it is
const MOST = 5; // jobs that have ended and are still shown
// jobs that make a page, and the part of it to begin at, if it has it
const PAGES = { look: "#section-loupe", explain: "#section-why" };

/** @type {(job: import("documents").Job) => boolean} */
const never = () => false;

/** The jobs of some kinds, wherever they were asked for, without some: all that have not ended, and a few that have. */
export function JobList({ kinds, without = never, children }) {
  const { jobs, lost, problem } = useJobs();
  const listed = (jobs ?? []).filter((job) => kinds.includes(job.kind) && !without(job));
  const shown = [...listed.filter(({ ended }) => !ended), ...listed.filter(({ ended }) => ended).slice(0, MOST)];
  return html`<div class="jobs">${!jobs && !problem && html`<${Loading} what="Asking for the jobs" />`}
      <${Notice} problem=${problem} />
    ${shown.map((job) => html`<${JobCard} key=${job.id} job=${job} lost=${lost}>${children}</${JobCard}>`)}</div>`;
}

/**
 * @param {{job: import("documents").Job, lost: boolean, children?: (job: import("documents").Job) => any}} props
 *   `children` shows what came of it; a page is shown at once if one saw it being made.
 */
export function JobCard({ job, lost, children }) {
  const name = jobWords(job);
  const seen = useRef(!job.ended);
  useSaid(job);
  return html`<article class=${`job ${job.state}`} aria-label=${name}>
    <header><h2>${name}</h2><span class="quiet">${moment(job.created)}</span><${State} job=${job} lost=${lost} />
    </header>
    ${!job.ended && html`<${Going} job=${job} lost=${lost} />`}
    ${job.state === "failed" && html`<p>${job.error}</p>`}
    ${job.state === "stopped" && html`<p class="quiet">Stopped before it was done.</p>`}
    ${job.state === "done" && children?.(job)}
    ${
      job.state === "done" &&
      job.kind in PAGES &&
      html`
        <${Page} path=${`/jobs/${job.id}/page`} title=${name} open=${seen.current} at=${PAGES[job.kind]} />`
    }
  </article>`;
}

/** The state of a job in a word; of one that goes on and cannot be asked, none is known. */
export const State = ({ job: { state, ended }, lost }) =>
  lost && !ended
    ? html`<span class="state waiting">not known</span>`
    : html`
    <span class=${`state ${state}`}>${STATES[state]}</span>`;

/** How far a job is, and a button that stops it. */
export function Going({ job, lost }) {
  const [stopped, setStopped] = useState(false);
  const [stop, stopping] = useDoing(async () => {
    say("Stopping.");
    await call(`/jobs/${job.id}`, { method: "DELETE" });
    setStopped(true);
  });
  const ending = stopped || stopping.busy;
  const left = useTimeLeft(job);
  const words = lost
    ? "Connection lost, trying again."
    : ending
      ? "Stopping…"
      : [far(job), left].filter(Boolean).join(", ");
  return html`<${Bar} label=${`${jobWords(job)}: progress`} share=${jobShare(job)} />
    <div class="row"><p class="quiet">${words}</p><${Button} busy=${ending} onClick=${stop}>Stop</${Button}></div>
    <${Notice} problem=${stopping.problem} />`;
}

/** How long a job will take, by how it went since it was first seen at work. */
function useTimeLeft({ state, done, whole }) {
  const first = useRef(null);
  if (state !== "running" || !whole) return "";
  const now = performance.now();
  first.current ??= { now, done };
  return timeLeft(((whole - done) * (now - first.current.now)) / (done - first.current.done) / 1000);
}

/** Say what becomes of a job, if there is one, and now and then how far it is. */
export function useSaid(job) {
  const news = job && `${job.state} ${Math.floor((jobShare(job) ?? -1) / SAYS)}`;
  const lastNews = useRef(job?.ended ? news : undefined);
  useEffect(() => {
    if (!job || news === lastNews.current) return;
    lastNews.current = news;
    say(`${jobWords(job)}: ${job.ended ? STATES[job.state] : far(job)}.`);
  }, [news]);
}

function far({ state, done, whole }) {
  if (state === "waiting") return "Waiting for its turn";
  if (!whole) return "Beginning";
  return Number.isInteger(done) && Number.isInteger(whole) && whole > 1
    ? `${done.toLocaleString("en-GB")} of ${whole.toLocaleString("en-GB")}, ${percent(done / whole, 0)}`
    : percent(done / whole, 0);
}
