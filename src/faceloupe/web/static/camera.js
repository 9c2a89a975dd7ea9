/** The camera: asked for by a button, its light off as soon as it is stopped. */

import { frameOf } from "./photos.js";
import { say } from "./parts.js";
import { html, useEffect, useRef, useState } from "./ui.js";

const REFUSED = {
  NotAllowedError: "The browser or its settings refuse it. Allow the camera for this address, then try again.",
  NotFoundError: "This device has no camera.",
  NotReadableError: "Another program uses the camera. Close it there, then try again.",
};
const UNSAFE = "Browsers give a camera to addresses of this machine (http://localhost) or to https:// alone.";

/**
 * A camera that can be on or off. `video` goes to the element that shows it.
 *
 * @returns {{on: boolean, asking: boolean, problem: object | null, start: () => void, stop: () => void, video: object}}
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
    if (state.on && video.current && video.current.srcObject !== stream.current) video.current.srcObject = stream.current;
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

/** The camera for one photograph: what it sees, and a button that takes it. */
export function Shooter({ onShot, onClose }) {
  const camera = useCamera();
  const shoot = useRef();
  useEffect(() => {
    camera.start();
  }, []);
  useEffect(() => {
    if (camera.on) shoot.current?.focus();
  }, [camera.on]);
  async function take() {
    const blob = await frameOf(camera.video.current);
    camera.stop();
    if (blob) onShot(blob);
  }
  return html`<div class="shooter">
    ${camera.problem && html`<div class="notice" role="alert"><p class="notice-title">${camera.problem.title}</p><p>${camera.problem.detail}</p></div>`}
    ${camera.asking && html`<p class="quiet">The browser asks whether this page may use the camera.</p>`}
    ${camera.on && html`<video ref=${camera.video} autoplay muted playsinline aria-label="What the camera sees"></video>`}
    <p class="buttons">
      ${camera.on && html`<button type="button" class="main" ref=${shoot} onClick=${take}>Take the photograph</button>`}
      <button type="button" onClick=${onClose}>Close the camera</button>
    </p>
  </div>`;
}
