/**
 * The loupe in a notebook, for anywidget: its page in a frame of its own, and one state in the page and in Python.
 *
 * @typedef {{get: (name: string) => any, set: (name: string, value: unknown) => void, save_changes: () => void,
 *   on: (event: string, listener: () => void) => void, off: (event: string, listener: () => void) => void}} Model
 */

const STYLE = "width: 100%; height: 45rem; border: 0; resize: vertical";

/** @param {{model: Model, el: HTMLElement}} view */
function render({ model, el }) {
  const frame = document.createElement("iframe");
  frame.title = "The loupe";
  frame.style.cssText = STYLE;
  frame.setAttribute("sandbox", "allow-scripts allow-modals"); // an origin of its own: it cannot reach the notebook
  frame.srcdoc = model.get("document");
  /** @type {unknown} */
  let heard; // the state that came from this frame last: it is not to be told to it again

  function tell() {
    const state = model.get("state");
    if (state !== heard) frame.contentWindow?.postMessage({ loupe: "show", state }, "*");
  }

  /** @param {MessageEvent} message */
  function hear({ source, data }) {
    if (source !== frame.contentWindow || !data) return;
    if (data.loupe === "open") {
      heard = undefined;
      tell();
    } else if (data.loupe === "shown") {
      heard = data.state;
      model.set("state", heard);
      model.save_changes();
    }
  }

  addEventListener("message", hear);
  model.on("change:state", tell);
  el.append(frame);
  return () => {
    removeEventListener("message", hear);
    model.off("change:state", tell);
  };
}

export default { render };
