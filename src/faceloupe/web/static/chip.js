/** The face chip that was kept of a reference. */

import { picture } from "./api.js";
import { html, useEffect, useState } from "./ui.js";

/** @param {{person: number, reference: number, side?: number}} props  Numbers, and the side in pixels of the page */
export function Chip({ person, reference, side = 112 }) {
  const [url, setUrl] = useState(null);
  useEffect(() => {
    const leaving = new AbortController();
    let made = null;
    picture(`/people/${person}/references/${reference}/face`, leaving.signal).then(
      (blob) => setUrl((made = URL.createObjectURL(blob))),
      () => {}, // the words beside it say all the same
    );
    return () => {
      leaving.abort();
      if (made) URL.revokeObjectURL(made);
    };
  }, [person, reference]);
  return url
    ? html`<img src=${url} alt=${`Face chip of reference ${reference}`} width=${side} height=${side} />`
    : html`<span class="no-picture"></span>`;
}
