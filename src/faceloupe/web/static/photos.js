/** Photographs in the page: read from files, from the clipboard, from the camera; and faces cut out of them. */

const TYPES = "image/*,.pgm,.tif,.tiff,.bmp,.webp";
const ROOM = 2.2; // the side of a cut-out, in sides of the face's box
const MARGIN = 1.35;
let last = 0;

export const ACCEPTED = TYPES;

/**
 * A photograph as the page holds it. `bitmap` is null for a kind of file that the browser cannot show; the server may
 * still be able to read it.
 *
 * @param {Blob} blob
 * @param {string} name
 */
export async function makePhoto(blob, name) {
  const bitmap = await createImageBitmap(blob).catch(() => null);
  last += 1;
  return { id: last, blob, name, bitmap, url: bitmap && URL.createObjectURL(blob) };
}

/** Return the picture files of a drop, a paste or a choice. */
export function filesOf(list) {
  return [...(list ?? [])].filter((file) => file.type.startsWith("image/") || /\.(pgm|tiff?|bmp|webp)$/i.test(file.name));
}

export const photosOf = (files) => Promise.all(files.map((file) => makePhoto(file, file.name || "pasted picture")));

/** Return a photograph's file as JSON carries it, a `data:` URL. @param {Blob} blob @returns {Promise<string>} */
export function dataOf(blob) {
  return new Promise((done, fail) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.onerror = () => fail(reader.error);
    reader.readAsDataURL(blob);
  });
}

/** Take what a video shows now. */
export function frameOf(video, { widest = Number.POSITIVE_INFINITY, type = "image/jpeg", quality = 0.92 } = {}) {
  const scale = Math.min(1, widest / video.videoWidth);
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(video.videoWidth * scale);
  canvas.height = Math.round(video.videoHeight * scale);
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, type, quality));
}

/** Draw the square around a face into a canvas, whose size is left as it is; `size` is the server's of the picture. */
export function drawFace(canvas, photo, box, [width], room = MARGIN) {
  const scale = photo.bitmap.width / width;
  const side = Math.max(box.width, box.height) * room;
  const [left, top] = [box.x + (box.width - side) / 2, box.y + (box.height - side) / 2];
  const context = canvas.getContext("2d");
  context.fillStyle = "#808080";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  const by = canvas.width / (side * scale);
  context.drawImage(
    photo.bitmap,
    -left * scale * by,
    -top * scale * by,
    photo.bitmap.width * by,
    photo.bitmap.height * by,
  );
}

/** Cut one face out of a picture of several, in the middle of its own picture, without loss. */
export async function cutFace(photo, box, size) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil((Math.max(box.width, box.height) * ROOM * photo.bitmap.width) / size[0]);
  canvas.height = canvas.width;
  drawFace(canvas, photo, box, size, ROOM);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  return makePhoto(blob, `a face of ${photo.name}`);
}
