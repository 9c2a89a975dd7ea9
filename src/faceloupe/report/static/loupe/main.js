/**
 * Mounts the loupe: reads the page's data, keeps the state in the address, and draws once a frame.
 *
 * @typedef {import("loupe/store").State} State
 * @typedef {import("loupe/study").Study} Study
 */

import { html, render } from "preact-htm";
import { inflate } from "loupe/arrays";
import { connect } from "loupe/host";
import { startRun } from "loupe/laboratory";
import { mountLessons } from "loupe/lessons";
import { createStore, fromHash, initialState, readState, stateOf, toHash } from "loupe/store";
import { readStudy } from "loupe/study";
import { App, assemble } from "loupe/views/app";
import { epochShown, lastEpoch, toEpoch } from "loupe/views/time";

const PACE = 450; // milliseconds an epoch when the time plays
const FRAMED = location.protocol === "about:"; // in a notebook's frame, which has no address of its own
const SETTLE = 300; // browsers refuse an address that changes at every move of a slider

/**
 * Put the loupe into an element, and what belongs to it into the places that the page keeps for it.
 *
 * @param {HTMLElement} root
 * @param {import("loupe/study").StudyDocument} document  What `faceloupe.report.loupe` wrote.
 */
export async function mount(root, document) {
  const study = readStudy(await inflate(document));
  const start = initialState(study);
  const linked = fromHash(location.hash, start, study);
  const store = createStore(linked ?? start, draw);
  const actions = actionsOn(study, start, store);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let settling;
  let written = location.hash;
  const tell = FRAMED ? connect((values) => follow(readState(values, start, study))) : null;

  /** @param {State} state */
  function draw(state) {
    render(html`<${App} loupe=${assemble(study, start, state, actions)} />`, root);
    clearTimeout(settling);
    settling = setTimeout(write, SETTLE);
  }

  function write() {
    if (tell) return tell(stateOf(store.state));
    const hash = toHash(store.state, start);
    if (hash === written || (!hash && !written.startsWith("#loupe?"))) return;
    history.replaceState(null, "", hash || location.pathname + location.search);
    written = location.hash;
  }

  addEventListener("hashchange", () => {
    const state = fromHash(location.hash, start, study);
    written = location.hash;
    if (state) follow(state);
  });

  /** @param {State} state */
  function follow(state) {
    store.update({ ...state, own: store.state.own, runs: store.state.runs, picture: null });
    if (!tell) root.scrollIntoView({ block: "start" });
    const keys = Object.values(state.choices).map(({ key }) => key);
    if (keys.some((key) => key.startsWith("own/") && !(key in store.state.own))) actions.train();
  }

  root.replaceChildren();
  draw(store.state);
  if (linked) follow(linked);
  mountLessons(study, start);
  performance.mark("loupe"); // for `benchmarks/frames.py`
}

/**
 * What buttons do beyond changing a value.
 *
 * @param {Study} study
 * @param {State} start
 * @param {import("loupe/store").Store} store
 * @returns {import("loupe/views/app").Actions}
 */
function actionsOn(study, start, store) {
  let stop = () => {};
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let beat;
  const benchNow = () => assemble(study, start, store.state, actions).bench;
  const addressOf = (/** @type {State} */ state) => location.href.replace(/#.*/, "") + (toHash(state, start) || "");

  function tick() {
    if (!store.state.playing) return;
    const bench = benchNow();
    const epoch = epochShown(bench);
    if (epoch >= lastEpoch(bench)) return store.update({ playing: false });
    store.update(({ choices }) => toEpoch(bench.slots, choices, epoch + 1));
    beat = setTimeout(tick, PACE);
  }

  /** @type {import("loupe/views/app").Actions} */
  const actions = {
    update: store.update,
    stop: () => stop(),
    train() {
      if (!store.state.runs.some((run) => run.state === "running")) stop = startRun(study, store);
    },
    play(playing) {
      clearTimeout(beat);
      const bench = benchNow();
      const again = playing && epochShown(bench) >= lastEpoch(bench);
      store.update(({ choices }) => ({ playing, ...(again && toEpoch(bench.slots, choices, 0)) }));
      beat = setTimeout(tick, PACE);
    },
    async copyLink() {
      history.replaceState(null, "", addressOf(store.state));
      await actions.copyText(location.href, location.href);
    },
    async copyRun(run) {
      const kind = Object.keys(start.choices).at(-1) ?? "";
      /** @type {import("loupe/store").Choice} */
      const choice = { key: "own/1", source: "fit", index: 0 }; // the first of a page that is opened anew
      const state = {
        ...start,
        view: "laboratory",
        settings: run.settings,
        choices: { ...start.choices, [kind]: choice },
      };
      await actions.copyText(addressOf(state), `link ${run.id}`);
    },
    async copyText(text, what) {
      await copy(text);
      store.update({ copied: what });
    },
  };
  return actions;
}

/** Copy text; a page opened from disk may not be allowed to, and then it is shown. @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    prompt("Copy this", text);
  }
}
