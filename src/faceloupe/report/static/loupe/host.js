/**
 * The page around the loupe, where it is in a frame: it says what to show, and is told what is shown.
 *
 * @typedef {Record<string, string | number>} Shown  As `stateOf` in the store gives it.
 */

/**
 * Listen to the page around this one, and return how to tell it what is shown.
 *
 * @param {(state: Shown) => void} show
 * @returns {(state: Shown) => void}
 */
export function connect(show) {
  let last = "";
  addEventListener("message", ({ source, data }) => {
    if (source !== parent || data?.loupe !== "show") return;
    last = ""; // what comes of it is said, also where it is what was shown before
    show(data.state);
  });
  parent.postMessage({ loupe: "open" }, "*");
  return (state) => {
    const text = JSON.stringify(state);
    if (text !== last) parent.postMessage({ loupe: "shown", state }, "*");
    last = text;
  };
}
