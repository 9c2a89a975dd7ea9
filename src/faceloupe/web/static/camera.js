/** The camera: asked for by a button, its light off as soon as it is stopped; and what its frames show. */

import { useDoing } from "./hooks.js";
import { frameOf } from "./photos.js";
import { Notice, Shortcomings, say } from "./parts.js";
import { html, useEffect, useRef, useState } from "./ui.js";

const REFUSED = {
  NotAllowedError: "The browser or its settings refuse it. Allow the camera for this address, then try again.",
  NotFoundError: "This device has no camera.",
  NotReadableError: "Another program uses the camera. Close it there, then try again.",
};
const UNSAFE = "Browsers give a camera to addresses of this machine (http://localhost) or to https:// alone.";
const PACE = 550; // milliseconds between two frames, at least
const SLOWEST = 4400;
const PATIENCE = 2000; // milliseconds after an answer that was no answer
const NOTHING = { seen: null, problem: null };

/**
 * A camera that can be on or off. `video` goes to the element that shows it.
 *
 * @returns {import("documents").Camera}
 */
export function useCamera() {
  const [state, setState] = useState({ on: false, asking: false, problem: null });
  const [stream, video, left] = [useRef(null), useRef(null), useRef(false)];
  const off = () => {
    for (const track of stream.current?.getTracks() ?? []) track.stop();
    stream.current = null;
  };
  useEffect(
    () => () => {
      left.current = true;
      off();
    },
    [],
  );
  useEffect(() => {
    if (state.on && video.current && video.current.srcObject !== stream.current)
      video.current.srcObject = stream.current;
  });

  async function start() {
    setState({ on: false, asking: true, problem: null });
    try {
      if (!navigator.mediaDevices) throw new DOMException(UNSAFE);
      const wanted = { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 720 } };
      stream.current = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
      if (left.current) return off(); // the page moved on while the browser asked
      stream.current.getVideoTracks()[0].addEventListener("ended", stop);
      setState({ on: true, asking: false, problem: null });
      say("The camera is on.");
    } catch (error) {
      const detail = REFUSED[error.name] ?? error.message;
      setState({ on: false, asking: false, problem: { title: "No camera", detail } });
    }
  }
  function stop() {
    off();
    setState({ on: false, asking: false, problem: null });
    say("The camera is off.");
  }
  return { ...state, start, stop, video };
}

/** What stands in for a camera that is not on, or not yet. */
export const Unlit = ({ camera: { asking, problem } }) => html`
  ${asking && html`<p class="quiet">The browser asks whether this page may use the camera.</p>`}
  <${Notice} problem=${problem} />`;

/**
 * Ask about what a camera sees: the newest frame at a steady rate, never a second one beside it, and less often where
 * the server is asked too much.
 *
 * @param {import("documents").Camera} camera  Of useCamera
 * @param {boolean} watching
 * @param {(frame: Blob, signal: AbortSignal) => Promise<any>} ask
 * @param {{widest?: number}} sent  Pixels of a frame that is sent
 * @returns {{seen: any, problem: object | null}}  The last answer, while the camera is on.
 */
export function useFrames(camera, watching, ask, sent) {
  const [state, setState] = useState(NOTHING);
  useEffect(() => {
    if (!camera.on) setState(NOTHING);
  }, [camera.on]);
  useEffect(() => {
    if (!camera.on || !watching) return undefined;
    const leaving = new AbortController();
    /** @type {ReturnType<typeof setTimeout>} */
    let timer;
    let pace = PACE;

    async function look() {
      const began = performance.now();
      const rest = await once();
      if (!leaving.signal.aborted) timer = setTimeout(look, Math.max(rest, pace - (performance.now() - began)));
    }
    async function once() {
      const video = camera.video.current;
      if (document.hidden || !video?.videoWidth) return 0;
      try {
        const seen = await ask(await frameOf(video, { quality: 0.85, ...sent }), leaving.signal);
        if (!leaving.signal.aborted) setState({ seen, problem: null });
        return 0;
      } catch (problem) {
        if (leaving.signal.aborted) return 0;
        if (problem.status === 429) pace = Math.min(2 * pace, SLOWEST);
        setState({
          seen: null,
          problem: { ...problem, detail: problem.message, remedy: "The camera goes on by itself as soon as it can." },
        });
        return Math.max(PATIENCE, 1000 * (problem.retryAfter ?? 0));
      }
    }

    look();
    return () => {
      leaving.abort();
      clearTimeout(timer);
    };
  }, [camera.on, watching]);
  return state;
}

/**
 * The camera for one photograph: what it sees, and a button that takes it.
 *
 * @param {{onShot: (photo: Blob) => void, onClose: () => void,
 *   hints?: (frame: Blob, signal: AbortSignal) => Promise<string[]>}} props
 *   `hints` tells what a frame lacks, while the camera runs.
 */
export function Shooter({ onShot, onClose, hints }) {
  const camera = useCamera();
  const { seen, problem } = useFrames(camera, Boolean(hints), hints, undefined);
  const shoot = useRef(/** @type {HTMLElement | null} */ (null));
  const fit = seen && !seen.length;
  useEffect(() => {
    camera.start();
  }, []);
  useEffect(() => {
    if (camera.on) shoot.current?.focus();
  }, [camera.on]);
  useEffect(() => {
    if (seen) say(fit ? "Good enough to be enrolled." : "Not good enough yet.");
  }, [fit]);
  const [take, taking] = useDoing(async () => {
    const photo = await frameOf(camera.video.current);
    camera.stop();
    onShot(photo);
  });
  return html`<div class="shooter">
    <${Unlit} camera=${camera} />
    <${Notice} problem=${taking.problem} />
    ${
      camera.on &&
      html`<video ref=${camera.video} autoplay muted playsinline aria-label="What the camera sees">
        </video>`
    }
    ${
      camera.on &&
      hints &&
      html`
        <div class="hints">${seen && html`<${Shortcomings} list=${seen} />`}<${Notice} problem=${problem} /></div>`
    }
    <p class="buttons">
      ${camera.on && html`<button type="button" class="main" ref=${shoot} onClick=${take}>Take the photograph</button>`}
      <button type="button" onClick=${onClose}>Close the camera</button>
    </p>
  </div>`;
}
