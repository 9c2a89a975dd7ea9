/** The camera, watched: the newest frame is asked about at a steady rate, and never a second one beside it. */

import { call } from "../api.js";
import { Unlit, useCamera, useFrames } from "../camera.js";
import { Keeping } from "../keeping.js";
import { Button, Empty, Notice, say } from "../parts.js";
import { Outlines } from "../picture.js";
import { html, useEffect, useState } from "../ui.js";
import { score } from "../words.js";

const SENT = { widest: 960 }; // pixels: enough for whoever stands before a camera

export function Watch() {
  const camera = useCamera();
  const [paused, setPaused] = useState(false);
  const { seen, problem } = useFrames(camera, !paused, identify, SENT);
  const faces = seen?.faces ?? [];
  const who = seen && (faces.map(({ name }) => name ?? "nobody").join(", ") || "no face");
  useEffect(() => {
    if (who) say(`In the picture: ${who}.`); // who comes and goes, not every frame
  }, [who]);

  function stop() {
    camera.stop();
    setPaused(false);
  }
  if (!camera.on)
    return html`<${Empty} title="The camera is off">
      <p>The browser asks first. Frames go to this server alone, about two a second, and are not kept.${" "}
        <${Keeping} otherwise="" /></p>
      <p class="buttons"><${Button} class="main" busy=${camera.asking} onClick=${camera.start}>Start the camera
        </${Button}></p>
      <${Unlit} camera=${camera} /></${Empty}>`;
  return html`<div class="photograph watching">
    <div class="easel"><div class="picture-of-faces">
      <video ref=${camera.video} autoplay muted playsinline aria-label="What the camera sees"></video>
      ${seen && html`<${Outlines} size=${seen.size} faces=${faces} chosen=${-1} />`}</div>
      <p class="buttons"><button type="button" onClick=${() => setPaused(!paused)}>${paused ? "Go on" : "Pause"}
        </button>
        <button type="button" onClick=${stop}>Stop the camera</button></p></div>
    <div class="findings">
      <p class="watch-state"><span class=${`lamp ${paused ? "" : "lit"}`} aria-hidden="true"></span>
        ${paused ? "Paused; nothing is sent." : "Watching."}</p>
      <${Notice} problem=${problem} />
      ${seen && !faces.length && html`<p class="quiet">No face is in the picture.</p>`}
      ${
        faces.length > 0 &&
        html`<table><caption>In the picture now</caption>
        <thead><tr><th scope="col">Face</th><th scope="col">Who</th><th scope="col" class="right">Score</th></tr>
        </thead>
        <tbody>${faces.map(
          (face, index) => html`
              <tr key=${index}><td>${index + 1}</td><th scope="row">${face.name ?? html`<i>nobody</i>`}</th>
          <td class="right">${face.candidates.length ? score(face.candidates[0].score) : "–"}</td></tr>`,
        )}</tbody>
          </table>`
      }
    </div></div>`;
}

async function identify(photo, signal) {
  return (await call("/identify", { form: { photo, ranks: 1 }, signal })).photographs[0];
}
