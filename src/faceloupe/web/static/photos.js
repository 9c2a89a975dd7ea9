/** Photographs in the page: read from files, from the clipboard, from the camera; and faces cut out of them. */

const SHOWN = 1600; // pixels of the longer side of what is kept to be shown: a decoded photograph takes 4 bytes a pixel
const ROOM = 2.2; // the side of a cut-out, in sides of the face's box
const MARGIN = 1.35;
let last = 0;

export const ACCEPTED = "image/*,.pgm,.tif,.tiff,.bmp,.webp";

/**
 * A photograph as the page holds it: the file, and a picture to show, perhaps smaller. `bitmap`, `url` and `size` are
 * null for a kind of file that the browser cannot show; the server may still be able to read it.
 *
 * @param {Blob} blob
 * @param {string} name
 */
export async function makePhoto(blob, name) {
  last += 1;
  const photo = { id: last, blob, name, size: null, bitmap: null, url: null };
  const whole = await createImageBitmap(blob).catch(() => null);
  if (!whole) return photo;
  const size = [whole.width, whole.height];
  const scale = Math.min(1, SHOWN / Math.max(...size));
  if (scale === 1) return { ...photo, size, bitmap: whole, url: URL.createObjectURL(blob) };
  const canvas = drawn(whole, scale);
  whole.close();
  const url = URL.createObjectURL(await fileOf(canvas, "image/webp"));
  return { ...photo, size, bitmap: await createImageBitmap(canvas), url };
}

/** Give back the memory of a photograph that is shown no more. */
export function release(photo) {
  photo.bitmap?.close();
  if (photo.url) URL.revokeObjectURL(photo.url);
  photo.bitmap = null;
}

/** Return the picture files of a drop, a paste or a choice. */
export function filesOf(list) {
  return [...(list ?? [])].filter(
    (file) => file.type.startsWith("image/") || /\.(pgm|tiff?|bmp|webp)$/i.test(file.name),
  );
}

/** Read files one after the other, for each takes much memory while it is read. */
export async function photosOf(files) {
  const photos = [];
  for (const file of files) photos.push(await makePhoto(file, file.name || "pasted picture"));
  return photos;
}

/** Return a photograph's file as JSON carries it, a `data:` URL. @param {Blob} blob @returns {Promise<string>} */
export function dataOf(blob) {
  return new Promise((done, fail) => {
    const reader = new FileReader();
    reader.onload = () => done(String(reader.result));
    reader.onerror = () => fail(reader.error);
    reader.readAsDataURL(blob);
  });
}

/** Take what a video shows now. */
export function frameOf(video, { widest = Number.POSITIVE_INFINITY, quality = 0.92 } = {}) {
  return fileOf(drawn(video, Math.min(1, widest / video.videoWidth)), "image/jpeg", quality);
}

/** Draw the square around a face into a canvas, whose size is left as it is; `size` is the server's of the picture. */
export function drawFace(canvas, bitmap, box, [width], room = MARGIN) {
  const scale = bitmap.width / width;
  const side = Math.max(box.width, box.height) * room;
  const [left, top] = [box.x + (box.width - side) / 2, box.y + (box.height - side) / 2];
  const context = canvas.getContext("2d");
  context.fillStyle = "#808080";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  const by = canvas.width / (side * scale);
  context.drawImage(bitmap, -left * scale * by, -top * scale * by, bitmap.width * by, bitmap.height * by);
}

/** Cut one face out of a picture of several, in the middle of its own picture, with all its pixels and without loss. */
export async function cutFace({ blob }, box, size) {
  const whole = await createImageBitmap(blob);
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil((Math.max(box.width, box.height) * ROOM * whole.width) / size[0]);
  canvas.height = canvas.width;
  drawFace(canvas, whole, box, size, ROOM);
  whole.close();
  return fileOf(canvas, "image/png");
}

function drawn(source, scale) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round((source.videoWidth ?? source.width) * scale));
  canvas.height = Math.max(1, Math.round((source.videoHeight ?? source.height) * scale));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  return canvas;
}

function fileOf(canvas, type, quality) {
  return new Promise((done, fail) => {
    const give = (blob) => (blob ? done(blob) : fail(new Error("The browser made no picture: memory may be short.")));
    canvas.toBlob(give, type, quality);
  });
}
