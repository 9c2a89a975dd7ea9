/**
 * Trainings in threads of their own, so that the page stays quick.
 *
 * @typedef {import("loupe/fitting").EpochNews} EpochNews
 * @typedef {import("loupe/fitting").Task} Task
 * @typedef {import("loupe/network").Network} Network
 *
 * @typedef {object} Message  From a thread: first the untrained network, then news of each epoch, then the end.
 * @property {Network} [started]
 * @property {EpochNews} [news]
 * @property {boolean} [done]
 */

import { bundle, pageSources } from "loupe/bundle";

const MOST_THREADS = 4;
export const NO_THREAD = "This browser lets the page start no thread to train in; open the file in another.";

/** @type {string | undefined} */
let script;

/** The address of the worker's script, made once. */
function workerAddress() {
  script ??= `data:text/javascript;charset=utf-8,${encodeURIComponent(bundle("loupe/worker", pageSources()))}`;
  return script;
}

/**
 * Train each task, as many at once as the machine has cores to spare.
 *
 * @template {Task} T
 * @param {T[]} tasks
 * @param {(task: T, message: Message) => void} onMessage
 * @param {() => void} onFailure  No thread can be started, or one stopped working; the others are ended.
 * @returns {() => void}  Ends all of them.
 */
export function trainInThreads(tasks, onMessage, onFailure) {
  const waiting = [...tasks];
  const count = Math.min(tasks.length, MOST_THREADS, Math.max(1, (navigator.hardwareConcurrency || 2) - 1));
  /** @type {Worker[]} */
  const workers = [];
  const end = () => workers.forEach((worker) => worker.terminate());
  try {
    while (workers.length < count) workers.push(new Worker(workerAddress()));
  } catch {
    end();
    queueMicrotask(onFailure); // as late as the news of a failure always is, after the caller's own first words
    return end;
  }

  /** @param {Worker} worker */
  function next(worker) {
    const task = waiting.shift();
    if (!task) return worker.terminate();
    worker.onmessage = ({ data }) => {
      onMessage(task, data);
      if (data.done) next(worker);
    };
    worker.postMessage(task);
  }

  for (const worker of workers) {
    worker.onerror = (event) => {
      event.preventDefault();
      end();
      onFailure();
    };
    next(worker);
  }
  return end;
}
