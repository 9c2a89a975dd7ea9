/**
 * Trainings in the page: a sentence, many seeds, in threads of their own; runs stay side by side.
 *
 * @typedef {import("loupe/fitting").EpochNews} EpochNews
 * @typedef {import("loupe/fitting").Task} Task
 * @typedef {import("loupe/network").Network} Network
 * @typedef {import("loupe/store").Settings} Settings
 * @typedef {import("loupe/store").State} State
 * @typedef {import("loupe/store").Store} Store
 * @typedef {import("loupe/study").Study} Study
 * @typedef {import("loupe/study").Entry} Entry
 *
 * @typedef {object} SeedRun  One seed of a run.
 * @property {number} seed
 * @property {number[]} loss
 * @property {number[]} accuracy
 * @property {number[]} heldOutLoss
 * @property {number[]} heldOutAccuracy
 * @property {Record<string, number>} dead  After the last epoch.
 * @property {boolean} done
 *
 * @typedef {object} Run
 * @property {number} id
 * @property {Settings} settings
 * @property {number} epochs
 * @property {SeedRun[]} seeds
 * @property {"running" | "done" | "stopped" | "failed"} state
 * @property {number} seconds  So far.
 * @property {number} parameters
 */

import { begin } from "loupe/fitting";
import { parseNetwork, planNetwork, trainingText } from "loupe/language";
import { parametersOf } from "loupe/network";
import { outputsOf } from "loupe/study";
import { trainInThreads } from "loupe/threads";

const MOST_RUNS = 8;

/**
 * What is wrong with a sentence for these faces, in words; null where nothing is.
 *
 * @param {Study} study
 * @param {string} sentence
 * @returns {{message: string, start?: number, stop?: number} | null}
 */
export function faultOf(study, sentence) {
  try {
    planNetwork(parseNetwork(sentence).layers, study.size, outputsOf(study));
    return null;
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
}

/**
 * Train the network of the settings with each seed; the state tells how it goes.
 *
 * @param {Study} study
 * @param {Store} store
 * @returns {() => void}  Stops.
 */
export function startRun(study, store) {
  const { settings, runs } = store.state;
  const id = Math.max(0, ...runs.map((run) => run.id)) + 1;
  const { training } = parseNetwork(settings.sentence);
  const seeds = Array.from({ length: settings.seeds }, (_, index) => settings.seed + index);
  const task = taskOf(study, settings.sentence);
  /** @type {Run} */
  let run = {
    id,
    settings,
    epochs: training.epochs,
    seeds: seeds.map((seed) => ({
      seed,
      loss: [],
      accuracy: [],
      heldOutLoss: [],
      heldOutAccuracy: [],
      dead: {},
      done: false,
    })),
    state: "running",
    seconds: 0,
    parameters: parametersOf(begin({ ...task, seed: 0 })),
  };
  const started = performance.now();
  /** @type {Map<number, Network[]>} */
  const moments = new Map(); // by seed: the network before training and after each epoch

  /** @param {Partial<Run>} patch */
  function put(patch) {
    run = { ...run, ...patch, seconds: (performance.now() - started) / 1000 };
    store.update((state) => ({ runs: [...state.runs.filter((other) => other.id !== id), run].slice(-MOST_RUNS) }));
  }

  /** @param {Run["state"]} state */
  function end(state) {
    const trained = run.seeds.filter(({ loss }) => loss.length);
    put({ state, seeds: trained });
    if (trained.length) store.update((now) => onTheBench(study, now, run, entryOfRun(study, run, moments)));
  }

  /** @param {Task} task @param {import("loupe/threads").Message} message */
  function receive({ seed }, { started: network, news, done }) {
    if (run.state !== "running") return;
    if (network) moments.set(seed, [network]);
    if (news) {
      const all = moments.get(seed) ?? [];
      // Every epoch of the first seed, to go through in time; of the others the last.
      moments.set(seed, [...(seed === seeds[0] ? all : all.slice(0, 1)), { ...all[0], weights: news.weights }]);
    }
    put({
      seeds: run.seeds.map((other) =>
        other.seed === seed ? { ...other, ...(news && noted(other, news)), done: Boolean(done) } : other,
      ),
    });
    if (run.seeds.every((other) => other.done)) end("done");
  }

  const tasks = seeds.map((seed) => ({ ...task, seed }));
  const stop = trainInThreads(tasks, receive, () => end("failed"));
  put({});
  return () => {
    if (run.state !== "running") return;
    stop();
    end("stopped");
  };
}

/** @param {SeedRun} run @param {EpochNews} news */
function noted(run, { loss, accuracy, heldOutLoss, heldOutAccuracy, dead }) {
  return {
    loss: [...run.loss, loss],
    accuracy: [...run.accuracy, accuracy],
    heldOutLoss: heldOutLoss === null ? [] : [...run.heldOutLoss, heldOutLoss],
    heldOutAccuracy: heldOutAccuracy === null ? [] : [...run.heldOutAccuracy, heldOutAccuracy],
    dead,
  };
}

/** What there is to train of a sentence, but for its seed. @param {Study} study @param {string} sentence */
export function taskOf(study, sentence) {
  const heldOut = study.faces.map((_, index) => index).filter((index) => !study.trained.includes(index));
  return {
    sentence,
    size: study.size,
    outputs: outputsOf(study),
    faces: study.trained.map((index) => study.faces[index]),
    labels: study.trained.map((index) => study.labels[index]),
    heldOut: heldOut.map((index) => study.faces[index]),
    heldOutLabels: heldOut.map((index) => study.labels[index]),
  };
}

/**
 * A run as a network like the document's.
 *
 * @param {Study} study @param {Run} run @param {Map<number, Network[]>} moments @returns {Entry}
 */
function entryOfRun(study, run, moments) {
  const [first] = run.seeds;
  const all = moments.get(first.seed) ?? [];
  return {
    kind: "own",
    label: `Run ${run.id}: ${run.settings.sentence}`,
    name: `Run ${run.id}`,
    layers: planNetwork(parseNetwork(run.settings.sentence).layers, study.size, outputsOf(study)).layers,
    fits: run.seeds.map(({ seed, accuracy, heldOutAccuracy, dead }) => ({
      seed,
      accuracy: heldOutAccuracy.at(-1) ?? null,
      train_accuracy: accuracy.at(-1) ?? 0,
      dead,
    })),
    history: { ...first, heldOutLoss: first.heldOutLoss, heldOutAccuracy: first.heldOutAccuracy },
    networks: { fit: run.seeds.flatMap(({ seed }) => moments.get(seed)?.at(-1) ?? []), epoch: all },
  };
}

/** @param {Run} run */
export const keyOfRun = ({ id }) => `own/${id}`;

/**
 * The patch that puts a run on the bench, where a network of its kind stands.
 *
 * @param {Study} study @param {State} state @param {Run} run @param {Entry} entry @returns {Partial<State>}
 */
function onTheBench(study, state, run, entry) {
  const kinds = Object.keys(study.kinds);
  const kind = entry.layers.some((layer) => layer.kind === "convolution") ? kinds[kinds.length - 1] : kinds[0];
  const key = keyOfRun(run);
  const waited = Object.values(state.choices).some((choice) => choice.key === key); // as a link had it
  return {
    own: { ...state.own, [key]: entry },
    ...(!waited && { choices: { ...state.choices, [kind]: { key, source: "fit", index: 0 } } }),
  };
}

/**
 * A run as a program of faceloupe. The page draws its weights and orders from another generator, so that single fits
 * differ as other seeds do.
 *
 * @param {Study} study
 * @param {Run} run
 */
export function pythonOf(study, { settings: { sentence, seeds, seed } }) {
  const { training } = parseNetwork(sentence);
  const [layers] = sentence.split(";");
  const said = trainingText(training);
  const network = said ? `${layers.trim()}; ${said}` : layers.trim();
  const load = study.load ?? `load_faces("FOLDER")  # your photographs of ${study.people.join(" and ")}`;
  return `import numpy as np

from faceloupe import NetworkClassifier, load_faces

faces = ${load}
training = ${JSON.stringify(study.trained).replaceAll(",", ", ")}
held_out = np.setdiff1d(np.arange(len(faces.subject)), training)
for seed in range(${seed}, ${seed + seeds}):
    classifier = NetworkClassifier(${JSON.stringify(network)}, seed=seed)
    classifier.fit(faces.images[training], faces.subject[training])
    for name, captures in (("training", training), ("held out", held_out)):
        if len(captures):
            score = classifier.score(faces.images[captures], faces.subject[captures])
            print(f"seed {seed}, {name}: {score:.1%} right")
`;
}
