/** What several places do: load something, do something, follow a job. */

import { call, follow } from "./api.js";
import { useEffect, useState } from "./ui.js";

/**
 * Load something now and whenever what it depends on changes.
 *
 * @param {(signal: AbortSignal) => Promise<any>} load
 * @param {any[]} on
 * @returns {{value: any, problem: Error | null, loading: boolean, again: () => void, set: (value: any) => void}}
 */
export function useLoaded(load, on) {
  const [state, setState] = useState({ value: null, problem: null, loading: true });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const leaving = new AbortController();
    setState((last) => ({ ...last, loading: true }));
    load(leaving.signal).then(
      (value) => leaving.signal.aborted || setState({ value, problem: null, loading: false }),
      (problem) => leaving.signal.aborted || setState({ value: null, problem, loading: false }),
    );
    return () => leaving.abort();
  }, [...on, turn]);
  return {
    ...state,
    again: () => setTurn((last) => last + 1),
    set: (value) => setState({ value, problem: null, loading: false }),
  };
}

/**
 * Do something when asked to, once at a time.
 *
 * @param {(...given: any[]) => Promise<any>} work
 * @returns {[(...given: any[]) => Promise<any>, {busy: boolean, problem: Error | null, clear: () => void}]}
 *   The call resolves to undefined if it failed; the problem is then in the state.
 */
export function useDoing(work) {
  const [state, setState] = useState({ busy: false, problem: null });
  async function run(...given) {
    if (state.busy) return undefined;
    setState({ busy: true, problem: null });
    try {
      const result = await work(...given);
      setState({ busy: false, problem: null });
      return result;
    } catch (problem) {
      setState({ busy: false, problem });
      return undefined;
    }
  }
  return [run, { ...state, clear: () => setState({ busy: false, problem: null }) }];
}

/** Follow a job; null until something is known of it. */
export function useJob(id) {
  const [state, setState] = useState({ job: null, problem: null });
  useEffect(() => {
    if (!id) return undefined;
    const leaving = new AbortController();
    setState({ job: null, problem: null });
    follow(id, (job) => setState({ job, problem: null }), leaving.signal).catch(
      (problem) => leaving.signal.aborted || setState((last) => ({ ...last, problem })),
    );
    return () => leaving.abort();
  }, [id]);
  return state;
}

/** Open a page that the server made, in a new tab: a ticket stands in for the token there. Null if the tab is refused. */
export async function openPage(path) {
  const { address } = await call(path, { method: "POST" });
  const tab = open(address, "_blank");
  if (tab) tab.opener = null;
  return tab ? null : address;
}
