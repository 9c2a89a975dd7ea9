/** What the layers of a small network put out for a face, drawn as soon as the face is chosen. */

import { call } from "../api.js";
import { useLoaded } from "../hooks.js";
import { Choice, Loaded } from "../parts.js";
import { at, decode } from "../shared/arrays.js";
import { paint } from "../shared/draw.js";
import { html, useEffect, useRef, useState } from "../ui.js";
import { count } from "../words.js";

const MOST = 16; // layers that the server answers with at once
const FEW = 8; // numbers that are written out

/** @param {{network: object, layers: string[], faces: {key: any, name: string, sent: () => Promise<string>}[]}} props */
export function Maps({ network, layers, faces }) {
  const [chosen, setChosen] = useState("0");
  const face = faces[chosen] ?? faces[0];
  const traced = useLoaded(
    async (signal) => call(`/networks/${encodeURIComponent(network.id)}/trace`, { json: { photo: await face.sent(), layers: layers.slice(0, MOST) }, signal }),
    [network.id, layers.join(), face.key],
  );
  return html`<section class="maps" aria-label="Its maps"><h2>Its maps of this face</h2>
    ${faces.length > 1 && html`<${Choice} label="Face" value=${String(faces.indexOf(face))} onChange=${setChosen} options=${faces.map(({ name }, index) => [String(index), name])} />`}
    <${Loaded} from=${traced} what="the maps">${({ face: seen, layers: found }) => html`<${Seen} face=${decode(seen)} />
      ${found.map(({ name, output }) => html`<${Layer} key=${name} name=${name} output=${at(decode(output), 0)} />`)}
      <p class="quiet">Blue is negative, white is zero, orange is positive; each layer has a scale of its own.</p>`}</${Loaded}></section>`;
}

const Seen = ({ face }) => html`<figure class="layer"><figcaption><b>The face</b> as the network sees it, ${face.shape[0]} × ${face.shape[1]} pixels</figcaption>
  <${Tile} values=${face.data} shape=${face.shape} scale=${{ kind: "photograph" }} name="The face" /></figure>`;

/** The maps of one layer, or its numbers in a row, on one scale. @param {{name: string, output: NDArray}} props */
function Layer({ name, output: { data, shape } }) {
  const [under, setUnder] = useState("");
  const [least, most] = [data.reduce((one, other) => Math.min(one, other)), data.reduce((one, other) => Math.max(one, other))];
  const limit = Math.max(-least, most);
  const maps = shape.length === 3 ? Array.from({ length: shape[0] }, (_, index) => at({ data, shape }, index)) : [{ data, shape: [1, data.length] }];
  const words = shape.length === 3 ? `${count(shape[0], "map")} of ${shape[1]} × ${shape[2]}` : count(data.length, "number");
  return html`<figure class="layer"><figcaption><b>${name}</b> ${words}, ${data.length > FEW ? `from ${number(least)} to ${number(most)}` : Array.from(data, number).join(", ")}
      <output>${under}</output></figcaption>
    <div class="tiles" onMouseLeave=${() => setUnder("")}>${maps.map((map, index) => html`<${Tile} key=${index} values=${map.data} shape=${map.shape} scale=${{ kind: "diverging", limit }}
      name=${shape.length === 3 ? `${name}, map ${index + 1}` : name} onPoint=${(row, column) => setUnder(pointed(map, row, column, shape.length === 3 && index + 1))} />`)}</div></figure>`;
}

function pointed({ data, shape: [, columns] }, row, column, map) {
  const where = map ? `map ${map}, row ${row + 1}, column ${column + 1}` : `number ${column + 1}`;
  return `${where}: ${number(data[row * columns + column])}`;
}

const number = (value) => Number(value.toPrecision(3)).toLocaleString("en-GB", { maximumSignificantDigits: 3 }).replace("-", "−");

function Tile({ values, shape, scale, name, onPoint }) {
  const canvas = useRef();
  useEffect(() => (shape[2] ? paintColours(canvas.current, values, shape) : paint(canvas.current, values, shape, scale)), [values, scale.limit]);
  function point({ offsetX, offsetY, target }) {
    const [row, column] = [Math.floor((offsetY / target.clientHeight) * shape[0]), Math.floor((offsetX / target.clientWidth) * shape[1])];
    onPoint(Math.min(Math.max(row, 0), shape[0] - 1), Math.min(Math.max(column, 0), shape[1] - 1));
  }
  return html`<canvas ref=${canvas} class=${shape[0] === 1 ? "numbers-in-a-row" : ""} role="img" aria-label=${name} onMouseMove=${onPoint && point}></canvas>`;
}

function paintColours(canvas, values, [rows, columns]) {
  [canvas.width, canvas.height] = [columns, rows];
  const image = new ImageData(columns, rows);
  for (let pixel = 0; pixel < rows * columns; pixel++) {
    image.data.set([0, 1, 2].map((colour) => 255 * values[3 * pixel + colour]), 4 * pixel);
    image.data[4 * pixel + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}
