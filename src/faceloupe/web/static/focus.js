/** Where the focus goes when what had it is taken away. */

import { useEffect } from "./ui.js";

const FOCUSABLE =
  "a[href], button:not(:disabled), input:not(:disabled, [hidden]), select:not(:disabled), summary, [tabindex]";

/** Keep the focus in a part of the page: where what had it is taken away, it goes to what stands there now. */
export function useKeptFocus(part) {
  useEffect(() => {
    let last = null;
    const note = ({ target }) => {
      last = target;
    };
    const watching = new MutationObserver((records) => {
      if (!last || last.isConnected || document.activeElement !== document.body) return;
      let gone = null; // where the page was cut: what is taken away is taken apart from within
      for (let at = last; at && !at.isConnected; at = gone?.target)
        gone = records.find(({ removedNodes }) => [...removedNodes].some((node) => node.contains(at)));
      const instead = records
        .filter(({ target }) => target === gone?.target)
        .flatMap(({ addedNodes }) => [...addedNodes]);
      last = null;
      for (const node of [...instead, gone?.nextSibling, gone?.previousSibling, part.current.querySelector("h1")]) {
        firstFocusable(node)?.focus({ preventScroll: true });
        if (document.activeElement !== document.body) return;
      }
    });
    part.current.addEventListener("focusin", note);
    watching.observe(part.current, { childList: true, subtree: true });
    return () => watching.disconnect();
  }, []);
}

const firstFocusable = (node) => (node?.matches?.(FOCUSABLE) ? node : node?.querySelector?.(FOCUSABLE));
