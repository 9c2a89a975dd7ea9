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
import { parseNetwork, trainingText } from "loupe/language";
import { parametersOf } from "loupe/network";
import { planNetwork } from "loupe/planning";
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
  const progress = new Progress(study, store);
  const stop = trainInThreads(
    progress.tasks,
    (task, message) => progress.receive(task, message),
    () => progress.end("failed"),
  );
  progress.put({});
  return () => {
    if (progress.run.state !== "running") return;
    stop();
    progress.end("stopped");
  };
}

/** A run that goes on: what its threads tell becomes the state's. */
class Progress {
  /** @param {Study} study @param {Store} store */
  constructor(study, store) {
    const { settings, runs } = store.state;
    const task = taskOf(study, settings.sentence);
    const seeds = Array.from({ length: settings.seeds }, (_, index) => settings.seed + index);
    this.study = study;
    this.store = store;
    this.tasks = seeds.map((seed) => ({ ...task, seed }));
    this.started = performance.now();
    /** @type {Map<number, Network[]>} */
    this.moments = new Map(); // by seed: the network before training and after each epoch
    /** @type {Run} */
    this.run = {
      id: Math.max(0, ...runs.map(({ id }) => id)) + 1,
      settings,
      epochs: parseNetwork(settings.sentence).training.epochs,
      seeds: seeds.map(untrained),
      state: "running",
      seconds: 0,
      parameters: parametersOf(begin({ ...task, seed: 0 })),
    };
  }

  /** @param {Partial<Run>} patch */
  put(patch) {
    const run = { ...this.run, ...patch, seconds: (performance.now() - this.started) / 1000 };
    this.run = run;
    this.store.update(({ runs }) => ({ runs: [...runs.filter(({ id }) => id !== run.id), run].slice(-MOST_RUNS) }));
  }

  /** @param {Task} task @param {import("loupe/threads").Message} message */
  receive({ seed }, { started, news, done }) {
    if (this.run.state !== "running") return;
    if (started) this.moments.set(seed, [started]);
    if (news) this.keep(seed, news);
    this.put({
      seeds: this.run.seeds.map((other) =>
        other.seed === seed ? { ...other, ...(news && noted(other, news)), done: Boolean(done) } : other,
      ),
    });
    if (this.run.seeds.every((other) => other.done)) this.end("done");
  }

  /**
   * Keep every epoch of the first seed, to go through in time; of the others the last.
   *
   * @param {number} seed @param {EpochNews} news
   */
  keep(seed, { weights }) {
    const all = this.moments.get(seed) ?? [];
    const before = seed === this.tasks[0].seed ? all : all.slice(0, 1);
    this.moments.set(seed, [...before, { ...all[0], weights }]);
  }

  /** @param {Run["state"]} state */
  end(state) {
    const trained = this.run.seeds.filter(({ loss }) => loss.length);
    this.put({ state, seeds: trained });
    if (!trained.length) return;
    const entry = entryOfRun(this.study, this.run, this.moments);
    this.store.update((now) => onTheBench(this.study, now, this.run, entry));
  }
}

/** @param {number} seed @returns {SeedRun} */
const untrained = (seed) => ({
  seed,
  loss: [],
  accuracy: [],
  heldOutLoss: [],
  heldOutAccuracy: [],
  dead: {},
  done: false,
});

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
