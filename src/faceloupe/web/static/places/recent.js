/** Jobs of certain kinds that were asked for before, in this page or another. */

import { call } from "../api.js";
import { useLoaded } from "../hooks.js";
import { JobCard } from "../jobs.js";
import { html } from "../ui.js";
import { kindWords, moment } from "../words.js";

const MOST = 5;

/** @param {{kinds: string[], without?: string[], onEnd?: () => void}} props  `without`: ids that are shown elsewhere */
export function RecentJobs({ kinds, without = [], onEnd }) {
  const jobs = useLoaded((signal) => call("/jobs", { signal }), [without.length]);
  const found = (jobs.value?.jobs ?? []).filter(({ id, kind }) => kinds.includes(kind) && !without.includes(id)).slice(0, MOST);
  if (!found.length) return null;
  return html`<h2>Asked for before</h2><div class="jobs">${found.map(
    ({ id, kind, created }) => html`<${JobCard} key=${id} id=${id} title=${`${kindWords(kind)}, ${moment(created)}`} page=${kind === "look" || kind === "explain"} onEnd=${onEnd} />`,
  )}</div>`;
}
