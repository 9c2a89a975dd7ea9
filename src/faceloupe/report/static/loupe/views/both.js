/**
 * The study's question as one button: both networks are trained here, and what becomes of them shows as they learn.
 *
 * @typedef {import("loupe/fitting").EpochNews} EpochNews
 * @typedef {import("loupe/study").Study} Study
 * @typedef {"fcnn" | "cnn"} Kind
 * @typedef {"none" | "centre"} Pixels
 * @typedef {Record<Kind, Result[]>} Results  After each epoch.
 *
 * @typedef {object} Result
 * @property {number[]} answers  Whom the network sees in each face of the study.
 * @property {number} trained  Share of the training faces that are right.
 * @property {number} heldOut  Share of the others.
 * @property {string} dead  Which of its layers is silent as a whole, in words; empty if none.
 *
 * @typedef {object} Trial
 * @property {Pixels} pixels
 * @property {number} seed
 * @property {Results} results
 */

import { html, useEffect, useState } from "preact-htm";
import { taskOf } from "loupe/laboratory";
import { CNN_SENTENCE, FCNN_SENTENCE, USUAL, trainingText } from "loupe/language";
import { NO_THREAD, trainInThreads } from "loupe/threads";
import { Thumb } from "loupe/views/bench";
import { useStillness } from "loupe/views/convolution";
import { Curves } from "loupe/views/curves";
import { Switch } from "loupe/views/parts";
import { count, faceName, percent } from "loupe/words";

const PACE = 90; // milliseconds an epoch: slow enough to watch
const UNITS = 4; // filters, and hidden units, of either network
const SILENT = ["hidden units", "filters"]; // from the output backwards
const [LEARNED, FAILED] = [0.95, 0.75]; // as the study counts overfitting
const CHANCE = { value: 0.5, label: "chance" };

/** @type {Record<Kind, {sentence: string, colour: string}>} */
const NETWORKS = {
  fcnn: { sentence: FCNN_SENTENCE, colour: "first" },
  cnn: { sentence: CNN_SENTENCE, colour: "second" },
};
const KINDS = /** @type {Kind[]} */ (Object.keys(NETWORKS));
/** @type {Record<Pixels, string>} */
const PIXELS = { none: "as they are", centre: "mean subtracted" };

/** @param {{study: Study}} props */
export function BothNetworks({ study }) {
  const [pixels, setPixels] = useState(/** @type {Pixels} */ ("none"));
  const [trials, setTrials] = useState(/** @type {Trial[]} */ ([]));
  const [failed, setFailed] = useState(false);
  const trial = trials.at(-1);
  const epochs = study.training.epochs;
  const epoch = useEpochs(trial);
  const running = Boolean(trial) && epoch < epochs && !failed;
  const train = () => {
    const seed = trials.filter((other) => other.pixels === pixels).length;
    setFailed(false);
    setTrials([...trials, { pixels, seed, results: { fcnn: [], cnn: [] } }]);
    trainInThreads(
      KINDS.map((kind) => ({ ...taskOf(study, sentenceOf(study, kind, pixels)), kind, seed })),
      ({ kind }, { news }) => news && setTrials((all) => withResult(all, kind, resultOf(study, news))),
      () => {
        setFailed(true);
        setTrials((all) => all.slice(0, -1));
      },
    );
  };
  return html`<h2>Try it: train both networks</h2>
    <p class="hint">${task(study)}</p>
    <div class="row">
      <button type="button" class="main" disabled=${running} onClick=${train}>
        ${trial ? "Train again" : "Train both"}</button>
      <${Switch} legend="Pixels" name="both-pixels" value=${pixels} options=${Object.entries(PIXELS)}
        onChange=${setPixels} /></div>
    <${Answers} study=${study} results=${trial?.results} epoch=${epoch} />
    ${
      trial &&
      html`<div class="charts">${KINDS.map(
        (kind) => html`<${Outcome} key=${kind} study=${study} kind=${kind} results=${trial.results[kind]}
          pixels=${PIXELS[trial.pixels]} epoch=${epoch} />`,
      )}</div>`
    }
    <p role="status">${failed ? NO_THREAD : progress(trial, epoch, epochs)}</p>
    <${Tally} trials=${running ? trials.slice(0, -1) : trials} epochs=${epochs} />`;
}

/** What is learned, in words. @param {Study} study */
function task({ people: [first, second], trained, faces, training }) {
  const learn = `Both learn ${count(trained.length, "face")} of ${first} and ${second}`;
  return `${learn} in ${training.epochs} rounds (epochs); the ${faces.length - trained.length} framed are held out.`;
}

/**
 * The epoch to show: one after the other, so that one can watch, also where both are trained sooner.
 *
 * @param {Trial | undefined} trial
 */
function useEpochs(trial) {
  const [{ of, epoch }, setShown] = useState({ of: "", epoch: 0 });
  const still = useStillness();
  const arrived = trial ? Math.min(...KINDS.map((kind) => trial.results[kind].length)) : 0;
  const key = trial ? `${trial.pixels} ${trial.seed}` : "";
  const now = of === key ? Math.min(epoch, arrived) : 0;
  useEffect(() => {
    if (now >= arrived) return;
    const timer = setTimeout(() => setShown({ of: key, epoch: still ? arrived : now + 1 }), PACE);
    return () => clearTimeout(timer);
  }, [key, now, now < arrived]);
  return now;
}

/** A network of the study as a sentence. @param {Study} study @param {Kind} kind @param {Pixels} pixels */
function sentenceOf({ training }, kind, pixels) {
  const how = { epochs: training.epochs, batch: training.batch_size, rate: training.learning_rate };
  const said = trainingText({ ...USUAL, ...how, preprocess: pixels });
  return [NETWORKS[kind].sentence, said].filter(Boolean).join("; ");
}

/** @param {Study} study @param {EpochNews} news @returns {Result} */
export function resultOf({ faces, labels, trained }, { answers: inOrder, dead }) {
  const heldOut = faces.map((_, face) => face).filter((face) => !trained.includes(face));
  /** @type {number[]} */
  const answers = [];
  for (const [place, face] of [...trained, ...heldOut].entries()) answers[face] = inOrder[place];
  const right = (/** @type {number[]} */ some) =>
    some.filter((face) => answers[face] === labels[face]).length / some.length;
  const silent = Object.values(dead).reverse();
  return {
    answers,
    trained: right(trained),
    heldOut: right(heldOut),
    dead: SILENT[silent.findIndex((units) => units >= UNITS)] ?? "",
  };
}

/** @param {Trial[]} trials @param {Kind} kind @param {Result} result */
function withResult(trials, kind, result) {
  const last = trials[trials.length - 1];
  const results = { ...last.results, [kind]: [...last.results[kind], result] };
  return [...trials.slice(0, -1), { ...last, results }];
}

/** What became of a network, in words. @param {Result} result */
export function verdictOf({ answers, trained, heldOut, dead }) {
  if (dead) {
    const same = `All four ${dead} are dead: every training face gets the same answer.`;
    return `${same} It has learned nothing; it has not overfitted.`;
  }
  if (new Set(answers).size === 1) {
    return "Not all of its units are dead, but every face gets the same answer: it has learned nothing.";
  }
  if (trained < LEARNED) return `It has learned a part: ${percent(trained)} of its training faces are right.`;
  const right = `${percent(trained)} of its training faces are right, and ${percent(heldOut)} of those held out`;
  return heldOut < FAILED ? `It overfits: ${right}.` : `It has learned: ${right}.`;
}

/** @param {Trial | undefined} trial @param {number} epoch @param {number} epochs */
function progress(trial, epoch, epochs) {
  if (!trial) return "";
  if (epoch < epochs) return `Epoch ${epoch} of ${epochs}.`;
  return trial.pixels === "none"
    ? "Now subtract the mean from the pixels and train again; or train from another random start."
    : "One training may be luck: train again from other random starts. The study below did so many times.";
}

/**
 * @param {{study: Study, kind: Kind, results: Result[], pixels: string, epoch: number}} props
 */
function Outcome({ study, kind, results, pixels, epoch }) {
  const shown = results.slice(0, epoch);
  const { colour } = NETWORKS[kind];
  const series = [
    { name: "training faces", class: colour, values: shown.map(({ trained }) => trained) },
    { name: "held-out faces", class: `thin ${colour}`, values: shown.map(({ heldOut }) => heldOut) },
  ];
  const ended = epoch === study.training.epochs;
  return html`<section class=${colour}>
    <p class="outcome"><b>${kind.toUpperCase()}, pixels ${pixels}.</b>
      ${" "}${ended ? verdictOf(results[epoch - 1]) : "Learning …"}</p>
    <${Curves} title="Share right (thick: training faces; thin: held out)" series=${series}
      epochs=${study.training.epochs} most=${1} reference=${CHANCE} /></section>`;
}

/** Each face, and below it whom either network sees in it. */
/** @param {{study: Study, results: Results | undefined, epoch: number}} props */
function Answers({ study, results, epoch }) {
  const answers = KINDS.map((kind) => ({ kind, answers: results?.[kind][epoch - 1]?.answers }));
  return html`<ol class="seen">${study.faces.map((face, index) => {
    const heldOut = !study.trained.includes(index);
    const said = answers.flatMap(({ kind, answers: given }) =>
      given ? [`${kind.toUpperCase()} says ${study.people[given[index]]}`] : [],
    );
    const label = [faceName(study, index), ...(heldOut ? ["held out"] : []), ...said].join("; ");
    return html`<li key=${index}><span role="img" aria-label=${label} title=${label} class=${heldOut ? "held" : ""}>
      <${Thumb} face=${face} size=${study.size} />${
        results &&
        answers.map(({ kind, answers: given }) => {
          const right = given?.[index] === study.labels[index];
          return html`<span class=${`glyph ${NETWORKS[kind].colour}`}>
            ${given ? `${given[index] + 1} ${right ? "✓" : "✗"}` : "–"}</span>`;
        })
      }</span></li>`;
  })}</ol>
    ${
      results &&
      html`<p class="legend"><span>Below each face, which of the two the network sees in it:</span>
      ${KINDS.map((kind) => html`<span class=${`key ${NETWORKS[kind].colour}`}>${kind.toUpperCase()}</span>`)}</p>`
    }`;
}

const HEAD = ["Trainings", "All units dead", "Training faces right", "Held-out faces right"];

/** @param {{trials: Trial[], epochs: number}} props */
function Tally({ trials, epochs }) {
  const done = trials.filter(({ results }) => KINDS.every((kind) => results[kind].length === epochs));
  if (!done.length) return null;
  const rows = Object.entries(PIXELS).flatMap(([pixels, words]) => {
    const own = done.filter((trial) => trial.pixels === pixels);
    if (!own.length) return [];
    return KINDS.map((kind) => ({ name: `${kind.toUpperCase()}, pixels ${words}`, ends: endsOf(own, kind) }));
  });
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Your trainings"><table>
    <caption>Your trainings so far</caption>
    <thead><tr><th scope="col">Network</th>
      ${HEAD.map((name) => html`<th scope="col" class="right">${name}</th>`)}</tr></thead>
    <tbody>${rows.map(
      ({ name, ends }) => html`<tr><th scope="row">${name}</th>
        ${ends.map((cell) => html`<td class="right">${cell}</td>`)}</tr>`,
    )}</tbody></table></div>`;
}

/** @param {Trial[]} trials @param {Kind} kind */
function endsOf(trials, kind) {
  const ends = trials.map(({ results }) => results[kind][results[kind].length - 1]);
  const mean = (/** @type {(end: Result) => number} */ part) =>
    percent(ends.reduce((sum, end) => sum + part(end), 0) / ends.length);
  return [ends.length, ends.filter(({ dead }) => dead).length, mean((end) => end.trained), mean((end) => end.heldOut)];
}
