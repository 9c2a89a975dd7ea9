/** The camera, watched: the newest frame is asked about at a steady rate, and never a second one beside it. */

import { call } from "../api.js";
import { useCamera } from "../camera.js";
import { Empty, Notice, say } from "../parts.js";
import { frameOf } from "../photos.js";
import { Outlines } from "../picture.js";
import { html, useEffect, useRef, useState } from "../ui.js";
import { score } from "../words.js";

const RATE = 400; // milliseconds between two frames, at least
const WIDEST = 960; // pixels of a frame that is sent
const PATIENCE = 2000; // milliseconds after an answer that was no answer

export function Watch() {
  const camera = useCamera();
  const [paused, setPaused] = useState(false);
  const [seen, setSeen] = useState(null);
  const [problem, setProblem] = useState(null);
  useWatching({ active: camera.on && !paused, camera, setSeen, setProblem });

  function stop() {
    camera.stop();
    setSeen(null);
    setPaused(false);
  }
  if (!camera.on)
    return html`<${Empty} title="The camera is off">
      <p>The browser asks first. Frames go to this server alone, about two a second, and are not kept.</p>
      <p class="buttons"><button type="button" class="main" disabled=${camera.asking} onClick=${camera.start}>Start the camera</button></p>
      ${camera.asking && html`<p class="quiet">The browser asks whether this page may use the camera.</p>`}
      <${Notice} problem=${camera.problem} /></${Empty}>`;
  const faces = seen?.faces ?? [];
  return html`<div class="photograph watching">
    <div class="easel"><div class="picture-of-faces">
      <video ref=${camera.video} autoplay muted playsinline aria-label="What the camera sees"></video>
      ${seen && html`<${Outlines} size=${seen.size} faces=${faces} chosen=${-1} />`}</div>
      <p class="buttons"><button type="button" onClick=${() => setPaused(!paused)}>${paused ? "Go on" : "Pause"}</button>
        <button type="button" onClick=${stop}>Stop the camera</button></p></div>
    <div class="findings">
      <p class="watch-state"><span class=${`lamp ${paused ? "" : "lit"}`} aria-hidden="true"></span>${paused ? "Paused; nothing is sent." : "Watching."}</p>
      <${Notice} problem=${problem} />
      ${seen && !faces.length && html`<p class="quiet">No face is in the picture.</p>`}
      ${faces.length > 0 && html`<table><caption>In the picture now</caption>
        <thead><tr><th scope="col">Face</th><th scope="col">Who</th><th scope="col" class="right">Score</th></tr></thead>
        <tbody>${faces.map((face, index) => html`<tr key=${index}><td>${index + 1}</td><th scope="row">${face.name ?? html`<i>nobody</i>`}</th>
          <td class="right">${face.candidates.length ? score(face.candidates[0].score) : "–"}</td></tr>`)}</tbody></table>`}
    </div></div>`;
}

/** Ask about frames while active. What is said aloud is who comes and goes, not every frame. */
function useWatching({ active, camera, setSeen, setProblem }) {
  const heard = useRef("");
  useEffect(() => {
    if (!active) return undefined;
    const leaving = new AbortController();
    let timer = 0;

    async function look() {
      const began = performance.now();
      const next = await ask();
      if (!leaving.signal.aborted) timer = setTimeout(look, Math.max(next, RATE - (performance.now() - began)));
    }
    async function ask() {
      const video = camera.video.current;
      if (document.hidden || !video?.videoWidth) return 0;
      try {
        const photo = await frameOf(video, { widest: WIDEST, quality: 0.85 });
        const answer = await call("/identify", { form: { photo, ranks: 1 }, signal: leaving.signal });
        tell(answer.photographs[0]);
        return 0;
      } catch (problem) {
        if (leaving.signal.aborted) return 0;
        setProblem(problem);
        return Math.max(PATIENCE, 1000 * problem.retryAfter);
      }
    }
    function tell(found) {
      setSeen(found);
      setProblem(null);
      const who = found.faces.map(({ name }) => name ?? "nobody").join(", ") || "no face";
      if (who !== heard.current) say(`In the picture: ${who}.`);
      heard.current = who;
    }

    look();
    return () => {
      leaving.abort();
      clearTimeout(timer);
    };
  }, [active]);
}
