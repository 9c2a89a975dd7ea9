/** What the server keeps of those whom it does not know. */

import { call } from "./api.js";
import { useLoaded } from "./hooks.js";
import { html } from "./ui.js";
import { lasting } from "./words.js";

/** @param {{otherwise: string}} props  What is said where no unknown faces are kept; nothing until that is known. */
export function Keeping({ otherwise }) {
  const health = useLoaded((signal) => call("/health", { signal }), []);
  if (!health.value) return null;
  const period = health.value.keeps_unknown;
  return period
    ? html`Faces that get no name are kept for ${lasting(period)}, to be looked through under People, then erased.`
    : html`${otherwise}`;
}
