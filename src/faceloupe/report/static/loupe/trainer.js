/** Training in slices of time, so that the page goes on answering while it runs. */

import { deadUnits, forward } from "loupe/network";
import { initialise, meanPixel, training } from "loupe/training";
import { networkOf } from "loupe/study";

const SLICE = 10; // milliseconds; with drawing, within a frame

/**
 * Train a network as the settings say, and put it on the bench when it is done or stopped.
 *
 * @param {object} study
 * @param {{state: import("loupe/store").State, update: (patch: any) => void}} store
 * @returns {() => void}  Stops.
 */
export function train(study, store) {
  const { settings } = store.state;
  const { kind, epochs } = settings;
  const faces = study.trained.map((index) => study.faces[index]);
  const labels = study.trained.map((index) => study.labels[index]);
  const mean = settings.preprocess === "centre" ? meanPixel(faces) : 0;
  const network = initialise(kind, study.size, settings.seed, { ...sizesOf(study, kind), mean });
  const batchSize = study.training.batch_size;
  const batches = epochs * Math.ceil(faces.length / batchSize);
  const steps = training({
    network,
    faces,
    labels,
    epochs,
    batchSize,
    learningRate: settings.rate,
    seed: settings.seed,
  });
  const history = { seed: settings.seed, epochs, loss: [], accuracy: [], dead: [] };
  const moments = [copyOf(network)];
  let [done, stopped] = [0, false];

  function slice() {
    const end = performance.now() + SLICE;
    let finished = stopped;
    while (!finished && performance.now() < end) {
      const { value } = steps.next();
      done++;
      finished = value.done;
      if (value.weights) note(value);
    }
    if (finished) store.update(finish(study, store.state, settings, network, history, moments));
    else {
      store.update({ run: { kind, epochs, batches, done, history: { ...history } } });
      setTimeout(slice);
    }
  }

  function note({ loss, accuracy, dead }) {
    history.loss.push(loss);
    history.accuracy.push(accuracy);
    history.dead.push(dead);
    moments.push(copyOf(network));
  }

  store.update({ run: { kind, epochs, batches, done, history } });
  setTimeout(slice);
  return () => (stopped = true);
}

/** The sizes of the document's first network of a kind. */
function sizesOf(study, kind) {
  const { filters, kernel, pool, hidden } = networkOf(study, study.networks[study.kinds[kind][0]], {
    source: "fit",
    index: 0,
  });
  return kind === "cnn" ? { filters, kernel, pool, hidden } : { hidden };
}

function copyOf(network) {
  return {
    ...network,
    weights: Object.fromEntries(Object.entries(network.weights).map(([name, values]) => [name, values.slice()])),
  };
}

/** The patch that ends a run: an entry like the document's, on the bench. */
function finish(study, state, settings, network, history, moments) {
  const { kind, preprocess, seed } = settings;
  if (!history.loss.length) return { run: null };
  const key = `own/${kind}`;
  const pixels = preprocess === "centre" ? "mean pixel subtracted" : "pixels as they are";
  const label = `${kind.toUpperCase()} trained here, ${pixels}`;
  const fit = { seed, ...measure(study, network) };
  const entry = { key, kind, label, fits: [fit], history, networks: { fit: [network], epoch: moments } };
  return {
    run: null,
    own: { ...state.own, [kind]: entry },
    choices: { ...state.choices, [kind]: { key, source: "fit", index: 0 } },
  };
}

function measure(study, network) {
  const right = (index) => Number(forward(network, study.faces[index]).logit > 0) === study.labels[index];
  const share = (indices) => (indices.length ? indices.filter(right).length / indices.length : null);
  const dead = deadUnits(
    network,
    study.trained.map((index) => study.faces[index]),
  );
  const silent = (units) => units.filter(Boolean).length;
  return {
    accuracy: share(study.heldOut),
    train_accuracy: share(study.trained),
    dead: { conv: silent(dead.conv), hidden: silent(dead.hidden) },
  };
}
