/** The loupe as a whole: the bench, one view below it, and a line that says what is under the cursor. */

import { html } from "preact-htm";
import { convolutionAt, poolingAt } from "loupe/network";
import { look } from "loupe/study";
import { VIEWS } from "loupe/store";
import { answer, convolutionSentence, poolingSentence, termSentence } from "loupe/words";
import { Bench } from "loupe/views/bench";
import { FaceView } from "loupe/views/face";
import { LedgerView, featureMaps, termCell } from "loupe/views/ledger";
import { within } from "loupe/views/map";
import { MicroscopeView } from "loupe/views/microscope";
import { walk } from "loupe/views/parts";
import { PoolingView } from "loupe/views/pooling";
import { SeedsView } from "loupe/views/seeds";
import { TimeView } from "loupe/views/time";
import { TrainView } from "loupe/views/train";

const PANELS = {
  face: ["Face", FaceView],
  microscope: ["Microscope", MicroscopeView],
  pooling: ["Pooling", PoolingView],
  ledger: ["Ledger", LedgerView],
  time: ["Time", TimeView],
  seeds: ["Seeds", SeedsView],
  train: ["Train here", TrainView],
};

/** Everything that a view needs: the study, the state, what the networks make of it, and ways to change it. */
export function assemble(study, state, actions) {
  const bench = look(study, state);
  const cnn = bench.slots.find(({ kind }) => kind === "cnn");
  const cell = cnn && within(state.cell, cnn.network.filters, cnn.network.map);
  const poolCell = cnn && within(state.window, cnn.network.filters, cnn.network.pooled);
  return { study, state, bench, cnn, cell, poolCell, ...actions };
}

/** @param {{loupe: ReturnType<typeof assemble>}} props */
export function App({ loupe }) {
  const views = VIEWS.filter((view) => loupe.cnn || !["microscope", "pooling"].includes(view));
  const view = views.includes(loupe.state.view) ? loupe.state.view : "face";
  const [name, Panel] = PANELS[view];
  return html`<${Bench} loupe=${loupe} />
    <${Tabs} views=${views} view=${view} onChoose=${(to) => loupe.update({ view: to, playing: false, problem: "" })} />
    <div role="tabpanel" id="loupe-panel" class=${`panel-of view-${view}`} aria-label=${name}>
      <${Panel} loupe=${loupe} /></div>
    <div class="foot"><p class="said" aria-live="polite">${loupe.state.problem || said(view, loupe)}</p>
      <${CopyLink} loupe=${loupe} /></div>`;
}

function Tabs({ views, view, onChoose }) {
  const items = views.map((key) => ({ key }));
  return html`<div class="tabs" role="tablist" aria-label="Views" onKeyDown=${(event) => walk(event, items, onChoose)}>
    ${views.map(
      (key) => html`<button type="button" role="tab" key=${key} aria-selected=${key === view}
      aria-controls="loupe-panel" tabindex=${key === view ? 0 : -1} onClick=${() => onChoose(key)}>${PANELS[key][0]}
      </button>`,
    )}
  </div>`;
}

function CopyLink({ loupe }) {
  const copied = loupe.state.copied === location.href;
  // In a frame there is no address, and one under /pages/ is good once.
  if (window !== window.top || location.pathname.startsWith("/pages/")) return null;
  return html`<button type="button" class="copy" onClick=${loupe.copyLink}>
    ${copied ? "Copied" : "Copy link to this view"}</button>`;
}

/** One sentence on what is under the cursor, or on the answers where there is none. */
function said(view, { study, state, bench, cnn, cell, poolCell }) {
  if (view === "microscope")
    return convolutionSentence(cell, convolutionAt(cnn.network, cnn.pass, cell.filter, cell.row, cell.column));
  if (view === "pooling")
    return poolingSentence(poolCell, poolingAt(cnn.network, cnn.pass, poolCell.filter, poolCell.row, poolCell.column));
  if (view === "ledger") return saidOfTerm(state, bench);
  return bench.slots.map((slot) => answer(study.people, slot)).join(" ");
}

function saidOfTerm(state, { slots }) {
  const slot = slots.find(({ kind }) => kind === state.book) ?? slots.at(-1);
  const cell = termCell(slot, state);
  const { shape } = featureMaps(slot.network);
  const index = (cell.filter * shape[0] + cell.row) * shape[1] + cell.column;
  return termSentence(slot, cell, slot.pass.features[index], slot.ledger().terms[index]);
}
