/** The caller's jobs, over one stream for the whole page: a browser opens six to a server, which all its tabs share. */

import { call, events } from "./api.js";
import { useEffect, useState } from "./ui.js";

const AGAIN = 1000; // milliseconds until a broken stream is asked for again
const readers = new Set();
let state = { jobs: null, lost: false, problem: null };
let watching = null; // stops the stream

/**
 * All jobs, the newest first, as they are now.
 *
 * @returns {{jobs: import("documents").Job[] | null, lost: boolean, problem: Error | null}}
 *   `jobs` is null until they are known; `lost` says that the connection broke, and is tried again.
 */
export function useJobs() {
  const [now, setNow] = useState(state);
  useEffect(() => {
    readers.add(setNow);
    setNow(state);
    if (readers.size === 1) watch();
    return () => {
      readers.delete(setNow);
      if (!readers.size) watching.abort();
    };
  }, []);
  return now;
}

/** Ask for a job, which is watched from then on. @returns {Promise<string>}  Its id. */
export async function askJob(path, request) {
  const job = await call(path, { method: "POST", ...request });
  tell({ jobs: [job, ...(state.jobs ?? [])] });
  watch();
  return job.id;
}

function tell(more) {
  state = { ...state, ...more };
  for (const reader of readers) reader(state);
}

function watch() {
  watching?.abort();
  watching = new AbortController();
  follow(watching.signal);
}

/** Follow the jobs until all have ended. The stream begins with every job, so that what a new server lacks is gone. */
async function follow(signal) {
  while (!signal.aborted) {
    try {
      for await (const { jobs } of events("/jobs/events", signal)) tell({ jobs, lost: false, problem: null });
      if (state.jobs.every(({ ended }) => ended)) return;
    } catch (problem) {
      if (signal.aborted) return;
      if (problem.status && problem.status !== 429 && problem.status < 500) return tell({ problem });
    }
    tell({ lost: true });
    await new Promise((done) => setTimeout(done, AGAIN));
  }
}
