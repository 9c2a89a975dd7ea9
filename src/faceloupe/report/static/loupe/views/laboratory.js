/**
 * The laboratory: a network in a sentence, trained here with several seeds; runs stand side by side.
 *
 * @typedef {import("loupe/views/app").Loupe} Loupe
 * @typedef {import("loupe/laboratory").Run} Run
 * @typedef {import("loupe/laboratory").SeedRun} SeedRun
 */

import { html } from "preact-htm";
import { faultOf, keyOfRun, pythonOf } from "loupe/laboratory";
import { CNN_SENTENCE, FCNN_SENTENCE } from "loupe/language";
import { checkedSettings } from "loupe/store";
import { NO_THREAD } from "loupe/threads";
import { Curves, guessing, lossTop } from "loupe/views/curves";
import { Numbers, Pick, valueOf } from "loupe/views/parts";
import { count, percent } from "loupe/words";

const EXAMPLES = [
  ["", "An example …"],
  [`${FCNN_SENTENCE}`, "The tutorial's FCNN"],
  [`${FCNN_SENTENCE}; preprocess centre`, "The same, mean pixel subtracted"],
  ["dense 64 relu", "16 times as many hidden units"],
  ["dense 4 leaky", "Leaky ReLU instead of ReLU"],
  [`${FCNN_SENTENCE}; rate 0.0001`, "A tenth of the rate"],
  [`${CNN_SENTENCE}`, "The tutorial's CNN"],
  [`${CNN_SENTENCE}; preprocess centre`, "The same, mean pixel subtracted"],
  [
    "conv 8 5x5 relu, pool 2, conv 16 3x3 relu, pool 2, dense 16 relu; optimiser adam, preprocess centre",
    "Two convolutions",
  ],
  [
    "conv 8 5x5 stride 2 relu, global average pool; optimiser adam, epochs 40, preprocess standardise",
    "Global pooling",
  ],
];

/** @param {{loupe: Loupe}} props */
export function LaboratoryView({ loupe }) {
  const { study, state, update } = loupe;
  const { settings, runs } = state;
  const set = (/** @type {Partial<typeof settings>} */ part) =>
    update((now) => ({ settings: checkedSettings({ ...now.settings, ...part }) }));
  const fault = faultOf(study, settings.sentence);
  const running = runs.some((run) => run.state === "running");
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!fault && !running) loupe.train();
  };
  return html`<p
      class="lead-in">
          Say a network and how to train it; it learns ${count(study.trained.length, "face")} here in the page, once
      for each seed, and the rest are held out. Runs stay side by side.</p>
    <form class="train" onSubmit=${submit}>
      <label class="entry wide"><span>Network; how to train it</span>
        <input type="text" class="sentence" value=${settings.sentence} spellcheck="false" autocapitalize="off"
          autocomplete="off"
          aria-describedby="loupe-fault" aria-invalid=${Boolean(fault)}
          onInput=${(/** @type {Event} */ event) => set({ sentence: valueOf(event) })} /></label>
      <div id="loupe-fault" class="fault" role="status">
        ${fault ? html`<${Fault} sentence=${settings.sentence} fault=${fault} />` : ""}</div>
      <${Pick} label="Or begin with" options=${EXAMPLES} value=""
        onChange=${(/** @type {string} */ sentence) => sentence && set({ sentence })} />
      <${Entry} label="Seeds" value=${settings.seeds} min="1" max="32" step="1"
        onChange=${(/** @type {number} */ seeds) => set({ seeds })} />
      <${Entry} label="First seed" value=${settings.seed} min="0" max="9999" step="1"
        onChange=${(/** @type {number} */ seed) => set({ seed })} />
      <div class="row"><button type="submit" class="main" disabled=${running || Boolean(fault)}>Train</button>
        <button type="button" disabled=${!running} onClick=${loupe.stop}>Stop</button></div>
    </form>
    <p class="verdict-line" role="status">${words(runs.at(-1))}</p>
    <div class="runs">${runs
      .slice()
      .reverse()
      .map((run) => html`<${RunCard} key=${run.id} loupe=${loupe} run=${run} />`)}</div>`;
}

/**
 * The sentence with the place marked, and the remedy.
 *
 * @param {{sentence: string, fault: {message: string, start?: number, stop?: number}}} props
 */
function Fault({ sentence, fault: { message, start, stop } }) {
  const marked =
    start === undefined || stop === undefined
      ? ""
      : html`<span class="sentence-marked" aria-hidden="true">${sentence.slice(0, start)}
          <mark>${sentence.slice(start, stop) || "…"}</mark>${sentence.slice(stop)}</span>`;
  return html`${marked}<span>${message}</span>`;
}

/** @param {{label: string, value: number, onChange: (value: number) => void}} props */
function Entry({ label, value, onChange, ...limits }) {
  return html`<label class="entry"><span>${label}</span><input type="number" value=${value} ...${limits}
    onInput=${(/** @type {Event} */ event) => valueOf(event) && onChange(Number(valueOf(event)))} /></label>`;
}

/** How the newest run goes. @param {Run | undefined} run */
function words(run) {
  if (!run) return "";
  if (run.state === "failed") return NO_THREAD;
  const done = run.seeds.filter((seed) => seed.done).length;
  if (run.state === "running") return `Run ${run.id}: ${done} of ${count(run.seeds.length, "seed")} trained.`;
  const ended = run.state === "done" ? "is done" : "was stopped";
  return `Run ${run.id} ${ended} after ${run.seconds.toFixed(1)} seconds. ${gapWords(run)}`;
}

/** @param {number[]} values */
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Training and held-out accuracy in the end, and their gap. @param {Run} run */
function gapWords({ seeds }) {
  const ended = seeds.filter(({ accuracy }) => accuracy.length);
  if (!ended.length) return "";
  const trained = ended.map(({ accuracy }) => accuracy[accuracy.length - 1]);
  const of = ended.length > 1 ? `, means of ${count(ended.length, "seed")}` : "";
  if (!ended.every(({ heldOutAccuracy }) => heldOutAccuracy.length)) {
    return `Training faces right: ${percent(mean(trained))}${of}; none are held out.`;
  }
  const heldOut = ended.map(({ heldOutAccuracy }) => heldOutAccuracy[heldOutAccuracy.length - 1]);
  const gaps = trained.map((share, index) => 100 * (share - heldOut[index]));
  const range = gaps.length > 1 ? `, from ${Math.round(Math.min(...gaps))} to ${Math.round(Math.max(...gaps))}` : "";
  const right = `${percent(mean(trained))} of training faces, ${percent(mean(heldOut))} of those held out`;
  return `Right: ${right}, a gap of ${Math.round(mean(gaps))} points${range}${of}.`;
}

/** @param {{loupe: Loupe, run: Run}} props */
function RunCard({ loupe, run }) {
  const { study, update, state } = loupe;
  const { settings, seeds, epochs, parameters } = run;
  const dead = seeds.filter(({ dead: silent }) => isDead(state, run, silent)).length;
  const entry = state.own[keyOfRun(run)];
  const put = (/** @type {string} */ kind) =>
    update(({ choices }) => ({ choices: { ...choices, [kind]: { key: keyOfRun(run), source: "fit", index: 0 } } }));
  const remove = () => update(({ runs }) => ({ runs: runs.filter(({ id }) => id !== run.id) }));
  return html`<section class="run" aria-label=${`Run ${run.id}`}><h3>Run ${run.id}: ${settings.sentence}</h3>
    <p class="hint">
      ${count(parameters, "parameter")}; ${count(seeds.length, "seed")} from ${settings.seed} on;
      ${` ${run.seconds.toFixed(1)} s`}${dead ? `; ${dead} dead` : ""}.</p>
    <div class="charts">
      <${Curves} title="Share right" series=${seriesOf(seeds, "accuracy", "heldOutAccuracy")} epochs=${epochs} most=${1}
        />
      <${Curves} title="Loss" series=${seriesOf(seeds, "loss", "heldOutLoss")} epochs=${epochs}
        most=${lossTop(seriesOf(seeds, "loss", "heldOutLoss"))} reference=${guessing(study.people.length)} />
    </div>
    <p class="keys"><span class="key second">training</span><span class="key held-out">held out</span>
      ${seeds.length > 1 && html`<span>thick: mean; thin: one seed each</span>`}</p>
    <p class="gap">${gapWords(run)}</p>
    <div class="row">${
      entry &&
      loupe.bench.slots.map(
        (
          slot,
        ) => html`<button type="button" onClick=${() => put(slot.kind)} disabled=${slot.choice.key === keyOfRun(run)}>
        ${slot.choice.key === keyOfRun(run) ? "On the bench" : `On the bench for ${slot.title}`}</button>`,
      )
    }
      <button type="button" onClick=${() => loupe.copyRun(run)}>
        ${state.copied === `link ${run.id}` ? "Copied" : "Copy link"}</button>
      <button type="button" onClick=${() => loupe.copyText(pythonOf(study, run), `python ${run.id}`)}>
        ${state.copied === `python ${run.id}` ? "Copied" : "Copy as Python"}</button>
      <button type="button" onClick=${remove} disabled=${run.state === "running"}>Remove</button></div>
    <details><summary>As Python</summary><pre class="scroll" tabindex="0">${pythonOf(study, run)}</pre></details>
    <${Numbers} caption=${`Run ${run.id}, seed by seed`}
      head=${["Seed", "Training right", "Held-out right", "Training loss", "Held-out loss"]}
      rows=${() => seeds.map(seedRow)} /></section>`;
}

/**
 * Whether a whole layer of a run's fit is silent.
 *
 * @param {Loupe["state"]} state @param {Run} run @param {Record<string, number>} dead
 */
function isDead(state, run, dead) {
  const network = state.own[keyOfRun(run)]?.networks?.fit[0];
  return Boolean(network?.layers.some(({ name, output }) => dead[name] === output[0]));
}

/** @param {SeedRun} seed */
function seedRow({ seed, accuracy, heldOutAccuracy, loss, heldOutLoss }) {
  const share = (/** @type {number[]} */ values) => (values.length ? percent(values[values.length - 1]) : "–");
  const value = (/** @type {number[]} */ values) => (values.length ? values[values.length - 1].toFixed(3) : "–");
  return [seed, share(accuracy), share(heldOutAccuracy), value(loss), value(heldOutLoss)];
}

/**
 * @param {SeedRun[]} seeds
 * @param {"accuracy" | "loss"} training
 * @param {"heldOutAccuracy" | "heldOutLoss"} heldOut
 * @returns {import("loupe/views/curves").Series[]}
 */
function seriesOf(seeds, training, heldOut) {
  const series = [
    ...seriesOfOne(
      seeds.map((seed) => seed[training]),
      "training",
      "second",
    ),
    ...seriesOfOne(
      seeds.map((seed) => seed[heldOut]),
      "held out",
      "held-out",
    ),
  ];
  return series.filter(({ values }) => values.length);
}

/**
 * Each seed thin, and the mean of those that are as far.
 *
 * @param {number[][]} curves @param {string} name @param {string} look
 */
function seriesOfOne(curves, name, look) {
  const epochs = Math.max(...curves.map(({ length }) => length));
  const means = Array.from({ length: epochs }, (_, epoch) =>
    mean(curves.filter(({ length }) => length > epoch).map((values) => values[epoch])),
  );
  const thin = curves.length > 1 ? curves : [];
  return [
    ...thin.map((values, index) => ({ name: `${name}, ${index}`, class: `thin ${look}`, values })),
    { name, class: look, values: means },
  ];
}
