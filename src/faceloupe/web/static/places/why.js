/** Why two faces are, or are not, alike: a job for one answer, which keeps it however often one looks elsewhere. */

import { call, picture } from "../api.js";
import { Chip } from "../chip.js";
import { useDoing, useLoaded } from "../hooks.js";
import { JobCard, JobList } from "../jobs.js";
import { Button, Notice } from "../parts.js";
import { html } from "../ui.js";
import { askJob, useJobs } from "../watching.js";

const explanations = new WeakMap(); // the answer that is to be explained: the id of the job that does
const shown = new Set(); // the ids of those jobs, which are shown beside their answers

/**
 * @param {{of: object, words: string, hint: string, photographs: (signal: AbortSignal) => Promise<object>}} props
 *   `of` is the answer; `photographs` gives `one` and `other`, as they are sent.
 */
export function Explained({ of, words, hint, photographs }) {
  const { jobs, lost } = useJobs();
  const [explain, explaining] = useDoing(async (signal) => {
    const id = await askJob("/explain", { form: { ...(await photographs(signal)), certify: false } });
    explanations.set(of, id);
    shown.add(id);
  });
  const job = jobs?.find(({ id }) => id === explanations.get(of));
  if (job) return html`<${JobCard} key=${job.id} job=${job} lost=${lost} />`;
  return html`<p class="buttons"><${Button} busy=${explaining.busy} onClick=${explain}>${words}</${Button}>
      <span class="quiet">${hint}</span></p>
    <${Notice} problem=${explaining.problem} />`;
}

/** Explanations that were asked for in another tab, or before the page was loaded anew. */
export const Explanations = () => html`
  <${JobList} kinds=${["explain"]} without=${({ id, state }) => shown.has(id) || state === "stopped"} />`;

/**
 * Why a face is like somebody of the gallery: against the face chip that was kept of him, if one was.
 *
 * @param {{candidate: import("documents").Candidate, probe: any, photo: () => Promise<Blob>}} props
 *   `probe` shows the one face, `photo` gives a picture of it
 */
export function Why({ candidate, probe, photo }) {
  const { name, subject_id: subject } = candidate;
  const record = useLoaded((signal) => call(`/people/${subject}`, { signal }), [subject]);
  const reference = record.value?.references.find(({ has_face: face }) => face);
  const photographs = async (signal) => ({
    one: await photo(),
    other: await picture(`/people/${subject}/references/${reference.id}/face`, signal),
    central: true,
  });
  return (
    reference &&
    html`<div class="beside"><figure>${probe}<figcaption>This face</figcaption></figure>
      <figure><${Chip} person=${subject} reference=${reference.id} side=${88} />
        <figcaption>Reference ${reference.id} of ${name}</figcaption></figure></div>
    <${Explained} of=${candidate} words=${`Why is it like ${name}?`} photographs=${photographs}
    hint=${
      `Compares it with the face chip of reference ${reference.id} alone; ` + "the score above is the best reference's."
    } />`
  );
}
