/** Where photographs come in: dropped, pasted, chosen or taken. */

import { Shooter } from "./camera.js";
import { Loading } from "./parts.js";
import { ACCEPTED, filesOf, makePhoto, photosOf } from "./photos.js";
import { html, useEffect, useRef, useState } from "./ui.js";
import { count } from "./words.js";

const brings = (event) => event.dataTransfer?.types.includes("Files");

// A file dropped beside every picker would be opened by the browser in place of the page.
for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => brings(event) && event.preventDefault());

/**
 * @param {{onPhotos: (photos: object[]) => void, many?: boolean, title: string, paste?: boolean, compact?: boolean,
 *   hints?: (frame: Blob, signal: AbortSignal) => Promise<string[]>}} props
 *   `paste` takes what is pasted, or dropped anywhere on the page, so only one picker at a time may have it; `hints` as
 *   the camera takes them.
 */
export function Picker({ onPhotos, many = false, title, paste = false, compact = false, hints }) {
  const [over, setOver] = useState(false);
  const [shooting, setShooting] = useState(false);
  const [unusable, setUnusable] = useState(false);
  const [reading, setReading] = useState(0);
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const shooter = useRef(/** @type {HTMLElement | null} */ (null));

  async function take(list) {
    const files = filesOf(list).slice(0, many ? undefined : 1);
    setUnusable(list.length > 0 && files.length === 0);
    if (!files.length) return;
    setReading((last) => last + files.length);
    now.current.onPhotos(await photosOf(files));
    setReading((last) => last - files.length);
  }
  function dropped(event) {
    if (event.defaultPrevented || !brings(event)) return;
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files);
  }
  const now = useRef({ take, dropped, onPhotos });
  now.current = { take, dropped, onPhotos };
  useEffect(() => {
    if (!paste) return undefined;
    const listening = new AbortController();
    const listen = (kind, does) => document.addEventListener(kind, does, { signal: listening.signal });
    listen("paste", (event) => event.clipboardData?.files.length && now.current.take(event.clipboardData.files));
    listen("drop", (event) => now.current.dropped(event));
    return () => listening.abort();
  }, [paste]);

  function closeCamera() {
    setShooting(false);
    shooter.current?.focus();
  }
  async function shot(blob) {
    closeCamera();
    onPhotos([await makePhoto(blob, "a photograph from the camera")]);
  }
  const words = many ? "Choose photographs" : "Choose a photograph";
  return html`<div class=${`picker ${over ? "over" : ""} ${compact ? "compact" : ""}`} onDrop=${dropped}
      onDragOver=${(event) => event.preventDefault() || setOver(true)} onDragLeave=${() => setOver(false)}>
    <p class="picker-title">${title}</p>
    <p class="buttons">
      <button type="button" class=${compact ? "" : "main"} onClick=${() => input.current.click()}>${words}</button>
      <button type="button" ref=${shooter} aria-expanded=${String(shooting)}
        onClick=${() => setShooting(!shooting)}>Use the camera</button>
    </p>
    <input ref=${input} class="file" type="file" accept=${ACCEPTED} multiple=${many} hidden
      aria-label=${`${title}: a file`}
      onChange=${(event) => take(event.target.files).then(() => (event.target.value = ""))} />
    ${
      !compact &&
      html`
        <p class="hint beside-a-keyboard">
            or drop ${many ? "them" : "it"} here${paste && html`, or paste with <kbd>Ctrl</kbd> <kbd>V</kbd>`}</p>`
    }
    ${reading > 0 && html`<${Loading} what=${`Reading ${count(reading, "picture")}`} />`}
    ${unusable && html`<p class="hint" role="alert">That is no picture file.</p>`}
    ${shooting && html`<${Shooter} onShot=${shot} onClose=${closeCamera} hints=${hints} />`}
  </div>`;
}
