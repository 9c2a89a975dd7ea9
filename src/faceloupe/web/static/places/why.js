/** Why a face is, or is not, like somebody of the gallery: against the face chip that was kept of him, if one was. */

import { call, picture } from "../api.js";
import { useDoing, useLoaded } from "../hooks.js";
import { JobCard } from "../jobs.js";
import { Notice } from "../parts.js";
import { html, useState } from "../ui.js";

/** @param {{candidate: object, photo: () => Promise<object>}} props  `photo` gives a picture of the one face */
export function Why({ candidate: { name, subject_id: subject }, photo }) {
  const record = useLoaded((signal) => call(`/people/${subject}`, { signal }), [subject]);
  const [job, setJob] = useState(null);
  const kept = record.value?.references.find(({ has_face: face }) => face);
  const [explain, explaining] = useDoing(async () => {
    const other = await picture(`/people/${subject}/references/${kept.id}/face`);
    setJob((await call("/explain", { form: { one: (await photo()).blob, other, central: true, certify: false } })).id);
  });
  if (!kept) return null;
  if (job) return html`<${JobCard} id=${job} title="Why this score" />`;
  return html`<p class="buttons"><button type="button" disabled=${explaining.busy} onClick=${explain}>Why is it like ${name}?</button>
      <span class="quiet">Compares it with the face chip of reference ${kept.id}; the score may differ a little.</span></p>
    <${Notice} problem=${explaining.problem} />`;
}
