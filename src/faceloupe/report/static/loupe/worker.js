/**
 * The other end of `loupe/threads`, in a thread of its own: a task comes in, news of each epoch go out.
 *
 * @typedef {import("loupe/fitting").Task} Task
 */

import { begin, fitting } from "loupe/fitting";

self.addEventListener("message", ({ data }) => {
  const task = /** @type {Task} */ (data);
  const network = begin(task);
  self.postMessage({ started: { ...network, weights: { ...network.weights } } });
  for (const news of fitting(task, network)) self.postMessage({ news });
  self.postMessage({ done: true });
});
