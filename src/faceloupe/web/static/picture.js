/** A picture with its faces outlined: each outline is a button. */

import { drawFace } from "./photos.js";
import { html, useEffect, useRef } from "./ui.js";

const CROWD = 8; // faces of which all get their names written on the picture
const LANDMARKS = {
  right_eye: "right eye",
  left_eye: "left eye",
  nose: "nose",
  right_mouth: "mouth",
  left_mouth: "mouth",
};

/**
 * @param {{photo: import("documents").Photo, size: [number, number], faces: object[], chosen: number,
 *   onChoose: (index: number) => void, landmarks: boolean}} props
 */
export function Picture({ photo, size, faces, chosen, onChoose, landmarks }) {
  return html`<div class="picture-of-faces" style=${{ aspectRatio: `${size[0]} / ${size[1]}` }}>
    ${photo.url && html`<img src=${photo.url} alt=${photo.name} />`}
    ${!photo.url && !faces.length && html`<p class="unseen-picture">The browser cannot show this file.</p>`}
    <${Outlines} size=${size} faces=${faces} chosen=${chosen} onChoose=${onChoose} />
    ${landmarks && faces[chosen] && html`<${Landmarks} of=${faces[chosen]} size=${size} />`}
  </div>`;
}

/**
 * The outlines alone, to lie over a picture or a video. Without `onChoose` they are not buttons. In a crowd only
 * those with a name, and the chosen one, have a tag: the tags of all would hide the faces.
 */
export function Outlines({ size, faces, chosen, onChoose }) {
  const crowded = faces.length > CROWD;
  const kind = onChoose ? "button" : "div";
  return faces.map((face, index) => {
    const { x, y, width, height } = face.detection.box;
    const place = {
      left: `${(100 * x) / size[0]}%`,
      top: `${(100 * y) / size[1]}%`,
      width: `${(100 * width) / size[0]}%`,
      height: `${(100 * height) / size[1]}%`,
    };
    const [known, picked] = [face.name !== null, index === chosen];
    const controls = onChoose && {
      type: "button",
      "aria-pressed": String(picked),
      "aria-label": `Face ${index + 1}, ${face.name ?? "nobody"}`,
      onClick: () => onChoose(index),
    };
    const inside = (crowded && !picked) || (y + height) / size[1] > 0.88;
    return html`<${kind} key=${index} class=${`outline ${known ? "known" : "nobody"} ${picked ? "chosen" : ""}`}
        style=${place} ...${controls}>
      ${
        (!crowded || known || picked) &&
        html`
          <span class=${`tag ${inside ? "inside" : ""}`} aria-hidden="true"><b>${index + 1}</b>
            ${(!crowded || picked) && html` <span>${face.name ?? "nobody"}</span>`}</span>`
      }
    </${kind}>`;
  });
}

function Landmarks({ of, size }) {
  return Object.entries(of.detection.landmarks).map(
    ([name, { x, y }]) =>
      html`<span key=${name} class="landmark" title=${LANDMARKS[name]}
        style=${{ left: `${(100 * x) / size[0]}%`, top: `${(100 * y) / size[1]}%` }}></span>`,
  );
}

/** One face of a photograph, cut out; nothing, if the browser cannot show it. */
export function FaceOf({ photo, face, size, side = 56 }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  useEffect(() => {
    if (photo.bitmap) drawFace(canvas.current, photo.bitmap, face.detection.box, size);
  }, [photo, face]);
  return (
    photo.bitmap &&
    html`
    <canvas class="face-cut" ref=${canvas} width=${2 * side} height=${2 * side} aria-hidden="true"></canvas>`
  );
}
