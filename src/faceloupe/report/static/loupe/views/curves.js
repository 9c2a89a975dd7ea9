/** Curves over epochs: lines in SVG that stretch with the page, names and numbers as text. */

import { html } from "preact-htm";
import { number } from "loupe/words";

/**
 * @typedef {object} Series
 * @property {string} name
 * @property {string} class  Colour and dashes: "first", "second", "held-out", "thin".
 * @property {number[]} values
 *
 * @param {object} props
 * @param {string} props.title
 * @param {Series[]} props.series
 * @param {number} props.epochs  The end of the axis.
 * @param {number} [props.from]  The epoch of the first value.
 * @param {number} props.most  The top of the axis.
 * @param {number | null} [props.cursor]  An epoch.
 * @param {{value: number, label: string} | null} [props.reference]
 */
export function Curves({ title, series, epochs, from = 1, most, cursor = null, reference = null }) {
  const x = (/** @type {number} */ epoch) => (100 * epoch) / Math.max(epochs, 1);
  const y = (/** @type {number} */ value) => 100 - (100 * Math.min(value, most)) / most;
  const path = (/** @type {number[]} */ values) =>
    values.map((value, index) => `${index ? "L" : "M"}${x(index + from).toFixed(2)} ${y(value).toFixed(2)}`).join("");
  return html`<figure class="curves"><figcaption>${title}</figcaption>
    <div class="plot"><span class="top">${Number(most.toFixed(2))}</span><span class="bottom">0</span>
      <svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label=${`${title}: ${summary(series)}`}>
        ${reference && html`<path class="reference" d=${`M0 ${y(reference.value)}H100`} />`}
        ${cursor !== null && html`<path class="cursor-line" d=${`M${x(cursor)} 0V100`} />`}
        ${series.map(
          ({ name, class: look, values }) => html`<path key=${name} class=${`curve ${look}`} d=${path(values)} />`,
        )}
      </svg>
      ${
        reference &&
        html`<span class="reference-label" style=${{ top: `${y(reference.value)}%` }}>${reference.label}
        </span>`
      }
    </div>
    <div class="ends"><span>0</span><span>epoch ${epochs}</span></div></figure>`;
}

/** @param {Series[]} series */
function summary(series) {
  const words = series
    .filter(({ values, class: look }) => values.length && !look.includes("thin"))
    .map(({ name, values }) => `${name} from ${number(values[0])} to ${number(values[values.length - 1])}`);
  return words.join("; ") || "no values yet";
}

/**
 * The top of a loss axis: a round number, so that ln 2 stands at the same height for as long as it can.
 *
 * @param {Series[]} series
 */
export function lossTop(series) {
  const most = Math.max(...series.flatMap(({ values }) => values), 0);
  return [1, 2, 5, 10].find((top) => top >= most) ?? most;
}

/** What a network that knows nothing loses. @param {number} people */
export const guessing = (people) => ({ value: Math.log(people), label: `ln ${people}: knows nothing` });
