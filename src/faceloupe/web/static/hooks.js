/** What several places do: load something, do something, keep the focus. */

import { useEffect, useRef, useState } from "./ui.js";

const IDLE = { busy: false, problem: null };

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
 * @param {(signal: AbortSignal, ...args: any[]) => Promise<any>} work
 *   The signal tells that its answer is no longer wanted: it was cleared, or its place was left. What changes
 *   something on the server does not pass it on.
 * @returns {[(...args: any[]) => Promise<any>, {busy: boolean, problem: Error | null, clear: () => void}]}
 *   The call resolves to undefined if it failed or was given up; the problem is then in the state.
 */
export function useDoing(work) {
  const [state, setState] = useState(IDLE);
  const current = useRef(null);
  const clear = () => {
    current.current?.abort();
    current.current = null;
    setState(IDLE);
  };
  useEffect(() => () => current.current?.abort(), []);
  async function run(...args) {
    if (current.current) return undefined;
    const own = new AbortController();
    const end = (problem, result) => {
      if (own.signal.aborted) return undefined;
      current.current = null;
      setState({ busy: false, problem });
      return result;
    };
    current.current = own;
    setState({ busy: true, problem: null });
    return work(own.signal, ...args).then(
      (result) => end(null, result),
      (problem) => end(problem),
    );
  }
  return [run, { ...state, clear }];
}

/**
 * Ask about each of some photographs in its turn, one at a time; and again about all in another round.
 *
 * @typedef {import("documents").Entry} Entry
 * @param {[Entry[], (change: (all: Entry[]) => Entry[]) => void]} entries  As `entryOf` makes
 *   them, and what changes them
 * @param {any} round
 * @param {(photo: import("documents").Photo) => Promise<any>} ask
 * @param {(photo: import("documents").Photo, answer: any) => void} announce  Not called once the place was left.
 * @returns {(photo: import("documents").Photo) => void}  Asks about one once more.
 */
export function useInTurn([entries, setEntries], round, ask, announce) {
  const left = useRef(false);
  useEffect(
    () => () => {
      left.current = true;
    },
    [],
  );
  const next = entries.some(({ asking }) => asking) ? undefined : entries.find(({ asked }) => asked !== round);
  const change = (photo, more) =>
    setEntries((all) => all.map((entry) => (entry.photo === photo ? { ...entry, ...more } : entry)));
  useEffect(() => {
    if (!next) return;
    const end = (more) => change(next.photo, { asking: false, asked: round, ...more });
    change(next.photo, { asking: true });
    ask(next.photo).then(
      (answer) => {
        end({ answer, problem: null });
        if (!left.current) announce(next.photo, answer);
      },
      (problem) => end({ answer: null, problem }),
    );
  }, [next]);
  return (photo) => change(photo, { asked: null, problem: null });
}

/** A photograph that waits for its turn. */
export const entryOf = (photo) => ({ photo, asking: false, asked: null, answer: null, problem: null });

/** Name the tab. */
export function useTitle(...parts) {
  const title = [...parts, "faceloupe"].join(" · ");
  useEffect(() => {
    document.title = title;
  }, [title]);
}
