/** Two people before the camera: a handful of photographs of each, and the study of the two. */

import { Unlit, useCamera } from "../camera.js";
import { useDoing } from "../hooks.js";
import { Button, Field, Loading, Notice, say } from "../parts.js";
import { frameOf } from "../photos.js";
import { html, useEffect, useState } from "../ui.js";
import { askJob } from "../watching.js";
import { count } from "../words.js";

const PHOTOGRAPHS = 10; // of each
const PACE = 700; // milliseconds from one to the next: time to turn the head a little
const SENT = { widest: 640 };
const NOBODY = { name: "", photos: [] };

/** Photograph two people, one after the other, and begin the study. `onBegun` is called once it has begun. */
export function Two({ onBegun }) {
  const [people, setPeople] = useState([NOBODY, NOBODY]);
  const change = (who, more) =>
    setPeople((last) => last.map((person, index) => (index === who ? { ...person, ...more } : person)));
  const series = useSeries(people, (who, photos) => change(who, { photos }));
  const [begin, beginning] = useDoing(async () => {
    const [first, second] = people;
    const form = { first_name: first.name, second_name: second.name, first: first.photos, second: second.photos };
    await askJob("/studies/two", { form });
    setPeople([NOBODY, NOBODY]);
    say("The study begins.");
    onBegun();
  });
  const whole = people.every(({ name, photos }) => name.trim() && photos.length === PHOTOGRAPHS);
  return html`<${Introduction} />
    <form class="two-people" onSubmit=${(event) => event.preventDefault() || (whole && begin())}>
      ${(series.busy || series.camera.on) && html`<${View} camera=${series.camera} onStop=${series.stop} />`}
      <${Notice} problem=${series.problem} />
      ${people.map(
        (person, who) => html`
          <${Person} key=${who} which=${["The first", "The second"][who]} person=${person} busy=${series.busy}
            onName=${(name) => change(who, { name })} onTake=${() => series.take(who)} />`,
      )}
      <${Notice} problem=${beginning.problem} />
      <p class="buttons"><${Button} class="main" busy=${beginning.busy || !whole}>Begin the study</${Button}></p>
      ${beginning.busy && html`<${Loading} what="Finding the faces" />`}
      ${!whole && html`<p class="quiet">Two names, and ${PHOTOGRAPHS} photographs of each, are needed.</p>`}
    </form>`;
}

const Introduction = () => html`<h2>You and somebody else</h2>
  <p>Can a network learn to tell the two of you apart, and what does it look at? ${PHOTOGRAPHS} photographs of each
    are enough to see it. Sit in the same light, look into the camera, and turn your head a little from one to the
    next.</p>
  <p class="quiet">Photographs go to this server alone and are not kept. The study holds the faces that are found in
    them, small and grey, and shows them to whoever may see studies here; delete the study and they are gone.</p>`;

/**
 * A series of photographs of one of two people; the camera is off once there is one of each.
 *
 * @param {{name: string, photos: Blob[]}[]} people
 * @param {(who: number, photos: Blob[]) => void} onPhotos  Called with all photographs of the series after each.
 * @returns {{camera: import("documents").Camera, busy: boolean, problem: object | null,
 *   take: (who: number) => void, stop: () => void}}
 */
function useSeries(people, onPhotos) {
  const [who, setWho] = useState(/** @type {number | null} */ (null)); // who is photographed now
  const [problem, setProblem] = useState(null);
  const camera = useCamera();
  function stop() {
    setWho(null);
    camera.stop();
  }
  function take(person) {
    onPhotos(person, []);
    setProblem(null);
    setWho(person);
    if (!camera.on) camera.start();
  }
  function finish() {
    say(`${count(PHOTOGRAPHS, "photograph")} of ${people[who].name} taken.`);
    setWho(null);
    if (people[1 - who].photos.length) camera.stop();
  }
  function fail({ message }) {
    setProblem({ title: "No photograph", detail: message });
    stop();
  }
  useEffect(() => {
    if (who === null || !camera.on) return undefined;
    const leaving = new AbortController();
    const unlessLeft = (next) => (value) => leaving.signal.aborted || next(value);
    shoot(camera, (photos) => onPhotos(who, photos), leaving.signal).then(unlessLeft(finish), unlessLeft(fail));
    return () => leaving.abort();
  }, [who, camera.on]);
  return { camera, busy: who !== null, problem, take, stop };
}

/** Take the photographs of a series, one after the other. */
async function shoot(camera, onPhotos, signal) {
  const photos = [];
  while (photos.length < PHOTOGRAPHS && !signal.aborted) {
    await new Promise((done) => setTimeout(done, PACE));
    const video = camera.video.current;
    if (signal.aborted || !video?.videoWidth) continue;
    photos.push(await frameOf(video, SENT));
    if (!signal.aborted) onPhotos([...photos]);
  }
}

/**
 * @param {{which: string, person: {name: string, photos: Blob[]}, busy: boolean, onName: (name: string) => void,
 *   onTake: () => void}} props
 */
function Person({ which, person: { name, photos }, busy, onName, onTake }) {
  return html`<fieldset class="person"><legend>${which}</legend>
    <${Field} label="Name" required maxlength="200" value=${name} onInput=${(event) => onName(event.target.value)} />
    <p class="row"><${Button} busy=${busy || !name.trim()} onClick=${onTake}>
      ${photos.length ? "Take them again" : `Take ${PHOTOGRAPHS} photographs`}</${Button}>
      <span class="quiet">${photos.length > 0 && `${photos.length} of ${PHOTOGRAPHS}`}</span></p>
    <ul class="taken" aria-label=${`Photographs of ${name || which.toLowerCase()}`}>
      ${photos.map((photo, place) => html`<li key=${place}><${Thumb} photo=${photo} number=${place + 1} /></li>`)}
    </ul></fieldset>`;
}

/** What the camera sees, and a button that ends it. */
const View = ({ camera, onStop }) => html`<div class="shooter"><${Unlit} camera=${camera} />
  ${camera.on && html`<video ref=${camera.video} autoplay muted playsinline aria-label="What the camera sees"></video>`}
  <p class="buttons"><button type="button" onClick=${onStop}>Stop the camera</button></p></div>`;

function Thumb({ photo, number }) {
  const [url, setUrl] = useState("");
  useEffect(() => {
    const made = URL.createObjectURL(photo);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [photo]);
  return url && html`<img src=${url} alt=${`Photograph ${number}`} />`;
}
