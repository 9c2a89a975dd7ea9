/** Where photographs come in: dropped, pasted, chosen or taken. */

import { Shooter } from "./camera.js";
import { ACCEPTED, filesOf, makePhoto, photosOf } from "./photos.js";
import { html, useEffect, useRef, useState } from "./ui.js";

/**
 * @param {{onPhotos: (photos: object[]) => void, many?: boolean, title: string, paste?: boolean, compact?: boolean}} props
 *   `paste` listens to the whole page, so only one picker at a time may have it.
 */
export function Picker({ onPhotos, many = false, title, paste = false, compact = false }) {
  const [over, setOver] = useState(false);
  const [shooting, setShooting] = useState(false);
  const [unusable, setUnusable] = useState(false);
  const input = useRef();
  const shooter = useRef();

  async function take(list) {
    const files = filesOf(list);
    setUnusable(list.length > 0 && files.length === 0);
    if (files.length) onPhotos(await photosOf(many ? files : files.slice(0, 1)));
  }
  const now = useRef();
  now.current = take;
  useEffect(() => {
    if (!paste) return undefined;
    const listen = (event) => event.clipboardData?.files.length && now.current(event.clipboardData.files);
    document.addEventListener("paste", listen);
    return () => document.removeEventListener("paste", listen);
  }, [paste]);

  function dropped(event) {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files);
  }
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
      <button type="button" ref=${shooter} aria-expanded=${String(shooting)} onClick=${() => setShooting(!shooting)}>Use the camera</button>
    </p>
    <input ref=${input} class="file" type="file" accept=${ACCEPTED} multiple=${many} hidden aria-label=${`${title}: a file`}
      onChange=${(event) => take(event.target.files).then(() => (event.target.value = ""))} />
    ${!compact && html`<p class="hint">or drop ${many ? "them" : "it"} here${paste && html`, or paste with <kbd>Ctrl</kbd> <kbd>V</kbd>`}</p>`}
    ${unusable && html`<p class="hint" role="alert">That is no picture file.</p>`}
    ${shooting && html`<${Shooter} onShot=${shot} onClose=${closeCamera} />`}
  </div>`;
}
