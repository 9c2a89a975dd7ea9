/**
 * The loupe as a whole: the bench, one view below it, and a line that says what is under the cursor.
 *
 * @typedef {import("loupe/study").Study} Study
 * @typedef {import("loupe/store").State} State
 * @typedef {import("loupe/laboratory").Run} Run
 *
 * @typedef {object} Actions
 * @property {import("loupe/store").Store["update"]} update
 * @property {() => void} train
 * @property {() => void} stop
 * @property {(playing: boolean) => void} play
 * @property {() => void} copyLink
 * @property {(run: Run) => void} copyRun
 * @property {(text: string, what: string) => void} copyText
 *
 * @typedef {{study: Study, start: State, state: State, bench: ReturnType<typeof look>} & Actions} Loupe
 */

import { html } from "preact-htm";
import { convolutionAt, poolingAt } from "loupe/cells";
import { VIEWS } from "loupe/store";
import { look } from "loupe/study";
import { Bench } from "loupe/views/bench";
import { ConvolutionView } from "loupe/views/convolution";
import { FaceView } from "loupe/views/face";
import { LaboratoryView } from "loupe/views/laboratory";
import { LayersView } from "loupe/views/layers";
import { LedgerView, featureMaps, termCell } from "loupe/views/ledger";
import { MicroscopeView } from "loupe/views/microscope";
import { walk } from "loupe/views/parts";
import { PoolingView } from "loupe/views/pooling";
import { activationAfter, scopeOf } from "loupe/views/scope";
import { SeedsView } from "loupe/views/seeds";
import { TimeView } from "loupe/views/time";
import { activated, answer, convolutionSentence, poolingSentence, termSentence } from "loupe/words";

/** @type {Record<string, [string, (props: {loupe: Loupe}) => unknown]>} */
const PANELS = {
  face: ["Face", FaceView],
  layers: ["Layers", LayersView],
  convolution: ["Convolution", ConvolutionView],
  microscope: ["Microscope", MicroscopeView],
  pooling: ["Pooling", PoolingView],
  ledger: ["Ledger", LedgerView],
  time: ["Time", TimeView],
  seeds: ["Seeds", SeedsView],
  laboratory: ["Laboratory", LaboratoryView],
};

/**
 * Everything that a view needs.
 *
 * @param {Study} study @param {State} start @param {State} state @param {Actions} actions @returns {Loupe}
 */
export function assemble(study, start, state, actions) {
  return { study, start, state, bench: look(study, state), ...actions };
}

/** @param {{loupe: Loupe}} props */
export function App({ loupe }) {
  const possible = {
    microscope: scopeOf(loupe, "convolution"),
    pooling: scopeOf(loupe, "pooling"),
  };
  const views = VIEWS.filter((view) => possible[/** @type {keyof typeof possible} */ (view)] !== null);
  const view = views.includes(loupe.state.view) ? loupe.state.view : "face";
  const [name, Panel] = PANELS[view];
  const choose = (/** @type {string} */ to) => loupe.update({ view: to, playing: false, problem: "" });
  return html`<${Bench} loupe=${loupe} />
    <${Tabs} views=${views} view=${view} onChoose=${choose} />
    <div role="tabpanel" id="loupe-panel" class=${`panel-of view-${view}`} aria-label=${name}>
      <${Panel} loupe=${loupe} /></div>
    <div class="foot"><p class="said" aria-live="polite">${loupe.state.problem || said(view, loupe)}</p>
      <${CopyLink} loupe=${loupe} /></div>`;
}

/** @param {{views: string[], view: string, onChoose: (view: string) => void}} props */
function Tabs({ views, view, onChoose }) {
  const items = views.map((key) => ({ key }));
  return html`<div class="tabs" role="tablist" aria-label="Views"
    onKeyDown=${(/** @type {KeyboardEvent} */ event) => walk(event, items, onChoose)}>
    ${views.map(
      (key) => html`<button type="button" role="tab" key=${key} aria-selected=${key === view}
      aria-controls="loupe-panel" tabindex=${key === view ? 0 : -1} onClick=${() => onChoose(key)}>${PANELS[key][0]}
      </button>`,
    )}
  </div>`;
}

/** @param {{loupe: Loupe}} props */
function CopyLink({ loupe }) {
  // In a frame there is no address, and one under /pages/ is good once.
  if (window !== window.top || location.pathname.startsWith("/pages/")) return null;
  return html`<button type="button" class="copy" onClick=${loupe.copyLink}>
    ${loupe.state.copied === location.href ? "Copied" : "Copy link to this view"}</button>`;
}

/**
 * One sentence on what is under the cursor, or on the answers where there is none.
 *
 * @param {string} view @param {Loupe} loupe
 */
function said(view, loupe) {
  const { study, state, bench } = loupe;
  const scope =
    view === "microscope" ? scopeOf(loupe, "convolution") : view === "pooling" ? scopeOf(loupe, "pooling") : null;
  if (scope) {
    const { slot, index, cell, shape } = scope;
    const { network, pass } = slot;
    const { filter, row, column } = cell;
    if (view === "pooling") return poolingSentence(cell, poolingAt(network, pass, index, filter, row, column));
    const next = activationAfter(network, index);
    const after = pass.outputs[next]?.[(filter * shape[0] + row) * shape[1] + column] ?? 0;
    return convolutionSentence(
      cell,
      convolutionAt(network, pass, index, filter, row, column),
      activated(network.layers[next], after),
    );
  }
  if (view === "ledger") return saidOfTerm(state, bench);
  return bench.slots.map((slot) => answer(study.people, slot)).join(" ");
}

/** @param {State} state @param {Loupe["bench"]} bench */
function saidOfTerm(state, { slots }) {
  const slot = slots.find(({ kind }) => kind === state.book) ?? slots[slots.length - 1];
  const cell = termCell(slot, state);
  const account = slot.ledger();
  const { shape } = featureMaps(account);
  const index = (cell.filter * shape[0] + cell.row) * shape[1] + cell.column;
  return termSentence(slot, cell, account.features[index], account.terms[index]);
}
