/** Mounts the loupe: reads the page's data, keeps the state in the address, and draws once a frame. */

import { html, render } from "preact-htm";
import { inflate } from "loupe/arrays";
import { createStore, fromHash, initialState, toHash } from "loupe/store";
import { readStudy } from "loupe/study";
import { train } from "loupe/trainer";
import { App, assemble } from "loupe/views/app";
import { epochShown, lastEpoch, toEpoch } from "loupe/views/time";

const PACE = 450; // milliseconds an epoch when the time plays
const FRAMED = location.protocol === "about:"; // in a notebook's frame, which has no address of its own
const SETTLE = 300; // browsers refuse an address that changes at every move of a slider

/**
 * Put the loupe into an element.
 *
 * @param {HTMLElement} root
 * @param {object} document  What `faceloupe.report.loupe` wrote.
 */
export async function mount(root, document) {
  const study = readStudy(await inflate(document));
  const start = initialState(study);
  const linked = fromHash(location.hash, start, study);
  const store = createStore(linked ?? start, draw);
  const actions = actionsOn(study, store, () => toHash(store.state, start));
  let settling = 0;
  let written = location.hash;

  function draw(state) {
    render(html`<${App} loupe=${assemble(study, state, actions)} />`, root);
    clearTimeout(settling);
    settling = setTimeout(write, SETTLE);
  }

  function write() {
    const hash = toHash(store.state, start);
    if (FRAMED || hash === written || (!hash && !written.startsWith("#loupe?"))) return;
    history.replaceState(null, "", hash || location.pathname + location.search);
    written = location.hash;
  }

  addEventListener("hashchange", () => {
    const state = fromHash(location.hash, start, study);
    written = location.hash;
    if (state) follow(state);
  });

  function follow(state) {
    store.update({ ...state, own: store.state.own, picture: null });
    root.scrollIntoView({ block: "start" });
    if (Object.values(state.choices).some(({ key }) => key === `own/${state.settings.kind}`)) actions.train();
  }

  root.replaceChildren();
  draw(store.state);
  if (linked) follow(linked);
}

/** What buttons do beyond changing a value. */
function actionsOn(study, store, address) {
  let [stop, beat] = [() => {}, 0];
  const benchNow = () => assemble(study, store.state, {}).bench;

  function tick() {
    if (!store.state.playing) return;
    const bench = benchNow();
    const epoch = epochShown(bench);
    if (epoch >= lastEpoch(bench)) return store.update({ playing: false });
    store.update(({ choices }) => toEpoch(bench.slots, choices, epoch + 1));
    beat = setTimeout(tick, PACE);
  }

  return {
    update: store.update,
    stop: () => stop(),
    train() {
      if (!store.state.run) stop = train(study, store);
    },
    play(playing) {
      clearTimeout(beat);
      const bench = benchNow();
      const again = playing && epochShown(bench) >= lastEpoch(bench);
      store.update(({ choices }) => ({ playing, ...(again && toEpoch(bench.slots, choices, 0)) }));
      beat = setTimeout(tick, PACE);
    },
    async copyLink() {
      history.replaceState(null, "", address() || location.pathname + location.search);
      await copy(location.href);
      store.update({ copied: location.href });
    },
  };
}

/** Copy text; a page opened from disk may not be allowed to, and then the address bar has it. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    prompt("The link to this view", text);
  }
}
