/**
 * Change the face: move, turn, cover, draw on it, or bring another.
 *
 * @typedef {import("loupe/views/app").Loupe} Loupe
 * @typedef {import("loupe/changes").Change} Change
 */

import { html } from "preact-htm";
import { UNCHANGED, fromPicture } from "loupe/changes";
import { RANGES, occluderAt } from "loupe/store";
import { Slider, Switch } from "loupe/views/parts";
import { number, signed } from "loupe/words";

/** @param {number} value */
const pixels = (value) => `${signed(value, 0)} px`;
/** @type {[keyof typeof RANGES, string, (value: number) => string][]} */
const SLIDERS = [
  ["dx", "Shift right", pixels],
  ["dy", "Shift down", pixels],
  ["degrees", "Rotate", (value) => `${signed(value, 0)}°`],
  ["zoom", "Zoom", (value) => `× ${number(value, 2)}`],
  ["brightness", "Brightness", (value) => signed(value, 2)],
  ["blur", "Blur", (value) => `${number(value, 1)} px`],
];
const TOOLS = [
  ["look", "Only look"],
  ["cover", "Cover"],
  ["dark", "Dark brush"],
  ["bright", "Bright brush"],
];

/** @param {{loupe: Loupe}} props */
export function FaceView({ loupe }) {
  const { state, update } = loupe;
  const change = (/** @type {Partial<Change>} */ part) =>
    update(({ changes }) => ({ changes: { ...changes, ...part } }));
  return html`<div class="sliders">
      ${SLIDERS.map(
        ([name, label, text]) => html`<${Slider} key=${name} label=${label} value=${state.changes[name]}
        range=${RANGES[name]} text=${text(state.changes[name])}
        onInput=${(/** @type {number} */ value) => change({ [name]: value })} />`,
      )}
    </div>
    <div class="row tools">
      <${Switch} legend="On the face, the pointer or the arrow keys" name="loupe-tool" options=${TOOLS}
        value=${state.tool} onChange=${(/** @type {string} */ tool) => update(take(loupe, tool))} />
      <${CoverSize} loupe=${loupe} change=${change} />
    </div>
    <div class="row">
      <button type="button" onClick=${() => change({ strokes: [], occluder: null })}
        disabled=${!state.changes.strokes.length && !state.changes.occluder}>Clear cover and drawing</button>
      <button type="button" onClick=${() => update({ changes: UNCHANGED, picture: null, problem: "" })}>Reset all
      </button>
      <label class="file"><span>Your own picture</span><input type="file" accept="image/*"
        onChange=${(/** @type {Event} */ event) => bring(/** @type {HTMLInputElement} */ (event.target), loupe)} />
        </label>
    </div>
    <p class="hint">Your picture is cut to the middle and made grey and small. It stays in this page, and no
      link carries it.</p>`;
}

/** Take up a tool; the cover appears in the middle when it is first used. @param {Loupe} loupe @param {string} tool */
function take({ study, state }, tool) {
  const [height, width] = study.size;
  const fresh = tool === "cover" && !state.changes.occluder;
  const side = Math.min(16, height, width);
  const occluder = occluderAt(Math.round(height / 2) - 8, Math.round(width / 2) - 8, side, study.size);
  return { tool, ...(fresh && { changes: { ...state.changes, occluder } }) };
}

/** @param {{loupe: Loupe, change: (part: Partial<Change>) => void}} props */
function CoverSize({ loupe: { study, state }, change }) {
  const { occluder } = state.changes;
  const resize = (/** @type {number} */ side) =>
    occluder && change({ occluder: occluderAt(occluder.row, occluder.column, side, study.size) });
  return html`<div class=${state.tool === "cover" ? "" : "unseen"}>
    <${Slider} label="Cover's side" value=${occluder?.side ?? 16} range=${[2, Math.min(40, ...study.size), 1]}
      text=${`${occluder?.side ?? 16} px`} onInput=${resize} />
  </div>`;
}

/**
 * Read a file as a face; the browser decodes it, nothing leaves the page.
 *
 * @param {HTMLInputElement} input @param {Loupe} loupe
 */
async function bring(input, { study, update }) {
  const [file] = input.files ?? [];
  if (!file) return;
  try {
    const bitmap = await createImageBitmap(file);
    const canvas = Object.assign(document.createElement("canvas"), shrunk(bitmap));
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    const face = fromPicture(context.getImageData(0, 0, canvas.width, canvas.height), study.size);
    update({ picture: { name: file.name, face }, changes: UNCHANGED, problem: "" });
  } catch {
    update({ problem: `${file.name} is not a picture that this browser can read; try a JPEG or PNG file.` });
  }
}

const MOST_PIXELS = 1024; // a side; more adds nothing to a small face

/** @param {{width: number, height: number}} picture */
function shrunk({ width, height }) {
  const scale = Math.min(1, MOST_PIXELS / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}
