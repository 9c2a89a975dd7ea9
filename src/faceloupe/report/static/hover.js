/**
 * Values on pictures: the pointer, a touch or the arrow keys choose a cell, and its number is read from its colour.
 *
 * The PNG is taken apart here, not by a canvas: against fingerprinting, private windows of Firefox and Safari, and
 * Brave everywhere, put noise on what a canvas gives back. Nor are the numbers written beside the pictures: at ten bits
 * each, deflated, they take 1.4 times the PNGs, and would make a study's page of 66 pictures and 2.2 MB 6 % longer.
 *
 * @typedef {object} Scale  Of a figure's pictures, as `faceloupe.report.pictures` writes it.
 * @property {"photograph" | "diverging" | "sequential"} kind
 * @property {string} unit
 * @property {number} low  What the first colour stands for.
 * @property {number} high  What the last one stands for.
 * @property {boolean} beyond  Whether numbers beyond the two are drawn in their colours.
 * @property {number[][]} stops  The colours in between, evenly spaced, one level a channel.
 *
 * @typedef {{row: number, column: number}} Cell
 * @typedef {(row: number, column: number) => Uint8Array} PixelReader
 */

const HALF = 0.501; // of a colour step, which rounding took away, and a little for single precision
/** @type {Record<number, number>} */
const CHANNELS = { 0: 1, 2: 3, 6: 4 }; // by a PNG's colour type: grey, RGB, RGB with transparency
/** @type {Record<string, [number, number]>} */
const MOVES = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  PageUp: [-Infinity, 0],
  PageDown: [Infinity, 0],
  Home: [0, -Infinity],
  End: [0, Infinity],
};
const MARGIN = 8; // pixels between a reading and its picture, and the sides of the window
const KEYS = "Arrow keys move · Enter: next picture · Escape leaves";

/** @param {number} value @param {number} least @param {number} most */
const clamp = (value, least, most) => Math.min(Math.max(value, least), most);
/** @param {number} number @param {number} digits */
const words = (number, digits) => number.toFixed(digits).replace("-", "−");

/**
 * The pixels of a PNG that `faceloupe.report.pictures` wrote: 8 bits a channel, not interlaced.
 *
 * @param {string} address
 * @returns {Promise<PixelReader>}
 */
async function readPixels(address) {
  const bytes = Uint8Array.from(atob(address.split(",")[1]), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const [columns, rows, channels] = [view.getUint32(16), view.getUint32(20), CHANNELS[bytes[25]]];
  const parts = [];
  for (let at = 8; at < bytes.length; at += 12 + view.getUint32(at)) {
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (kind === "IDAT") parts.push(bytes.subarray(at + 8, at + 8 + view.getUint32(at)));
  }
  const stream = new Blob(parts).stream().pipeThrough(new DecompressionStream("deflate"));
  const packed = new Uint8Array(await new Response(stream).arrayBuffer());
  const data = unfilter(packed, rows, columns * channels, channels);
  return (row, column) => data.subarray((row * columns + column) * channels).subarray(0, channels);
}

/**
 * Undo a PNG's filters: each row says how its bytes were guessed from those before, and holds what was missing.
 *
 * @param {Uint8Array} packed
 * @param {number} rows
 * @param {number} width  Bytes a row.
 * @param {number} channels
 */
function unfilter(packed, rows, width, channels) {
  const data = new Uint8Array(rows * width);
  for (let at = 0; at < data.length; at++) {
    const [row, inRow] = [Math.floor(at / width), at % width];
    const left = inRow < channels ? 0 : data[at - channels];
    const above = row ? data[at - width] : 0;
    const corner = row && inRow >= channels ? data[at - width - channels] : 0;
    const guesses = [0, left, above, (left + above) >> 1, paeth(left, above, corner)];
    data[at] = packed[at + row + 1] + guesses[packed[row * (width + 1)]];
  }
  return data;
}

/** @param {number} left @param {number} above @param {number} corner */
function paeth(left, above, corner) {
  const distances = [above - corner, left - corner, left + above - 2 * corner].map(Math.abs);
  return [left, above, corner][distances.indexOf(Math.min(...distances))];
}

/**
 * The least and the most that a colour may stand for, as shares of the way along evenly spaced colours.
 *
 * @param {Uint8Array} colour
 * @param {number[][]} stops
 */
function sharesOf(colour, stops) {
  const ends = [];
  for (let stop = 0; stop + 1 < stops.length; stop++) {
    let [least, most] = [0, 1];
    colour.forEach((level, channel) => {
      const [from, to] = [stops[stop][channel], stops[stop + 1][channel]];
      const both = [(level - HALF - from) / (to - from), (level + HALF - from) / (to - from)];
      [least, most] = [Math.max(least, Math.min(...both)), Math.min(most, Math.max(...both))];
    });
    if (least <= most) ends.push((stop + least) / (stops.length - 1), (stop + most) / (stops.length - 1));
  }
  return [Math.min(...ends), Math.max(...ends)];
}

/** What a pixel says, in words. @param {Uint8Array} pixel @param {Scale} scale */
function describe(pixel, scale) {
  if (pixel[3] === 0) return "no number";
  if (scale.kind === "photograph") return brightness(pixel);
  const shares = sharesOf(pixel.subarray(0, scale.stops[0].length), scale.stops);
  return `${numberWithin(shares, scale)} ${scale.unit}`.trim();
}

/** @param {Uint8Array} pixel */
function brightness(pixel) {
  const [red, green, blue] = Array.from(pixel, (level) => words(level / 255, 3));
  const each = pixel.length > 1 ? `red ${red}, green ${green}, blue ${blue}, each` : `grey ${red}`;
  return `${each} ± 0.003`;
}

/**
 * A number that lies between two shares of a scale, in as many figures as are known.
 *
 * @param {number[]} shares
 * @param {Scale} scale
 */
function numberWithin(shares, { low, high, beyond }) {
  const order = Math.floor(Math.log10(high));
  const power = Math.abs(order) > 4 ? order : 0;
  const [least, most] = shares.map((share) => (low + share * (high - low)) / 10 ** power);
  const digits = clamp(Math.ceil(-Math.log10((most - least) / 4)), 0, 9);
  const exponent = power ? `e${words(power, 0)}` : "";
  const unit = 10 ** digits;
  const told = (/** @type {number} */ number) => words(number, digits) + exponent;
  if (beyond && shares[0] === 0) return `${told(Math.ceil(most * unit) / unit)} or less`;
  if (beyond && shares[1] === 1) return `${told(Math.floor(least * unit) / unit)} or more`;
  const middle = Math.round(((least + most) / 2) * unit) / unit;
  const margin = Math.max(most - middle, middle - least);
  return `${told(middle)} ± ${told(Math.ceil(margin * unit - 1e-6) / unit)}`;
}

/** @type {WeakMap<HTMLElement, Promise<PixelReader>>} */
const read = new WeakMap(); // pictures to the promises of their pixels
/** @type {WeakMap<HTMLElement, Cell>} */
const kept = new WeakMap(); // figures to the cell of a click or a key, which a picture beside takes over
const mark = make("span", { class: "cell" });
const reading = make("p", { class: "reading", role: "status", "aria-live": "polite" });
const keys = make("span", { "aria-hidden": "true" }, KEYS);
/** @type {(Cell & {picture: HTMLElement}) | null} The cell of the reading. */
let now = null;

/** @param {string} name @param {Record<string, string>} attributes */
function make(name, attributes, content = "") {
  const made = document.createElement(name);
  made.textContent = content;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** @param {HTMLElement} picture */
const figureOf = (picture) => /** @type {HTMLElement} */ (picture.closest("figure"));
/** @param {HTMLElement} picture */
const imageOf = (picture) => /** @type {HTMLImageElement} */ (picture.querySelector("img"));
/** @param {HTMLElement} figure @returns {HTMLElement[]} */
const picturesOf = (figure) => [...figure.querySelectorAll(".picture")].filter((part) => part instanceof HTMLElement);
/** The picture that has the focus, if one has. */
function focusedPicture() {
  const focused = document.activeElement;
  return focused instanceof HTMLElement && focused.matches(".picture[tabindex]") ? focused : null;
}

/** @param {HTMLElement} picture */
function shapeOf(picture) {
  const image = imageOf(picture);
  return [Number(image.getAttribute("height")), Number(image.getAttribute("width"))];
}

/** @param {HTMLElement} picture @param {number} row @param {number} column @param {boolean} [hint] */
async function show(picture, row, column, hint) {
  const mine = { picture, row, column };
  now = mine;
  moveMark(mine);
  const pixels = read.get(picture) ?? readPixels(imageOf(picture).src);
  read.set(picture, pixels);
  const pixelAt = await pixels;
  if (now !== mine) return;
  const value = describe(pixelAt(row, column), JSON.parse(figureOf(picture).dataset.scale ?? ""));
  reading.replaceChildren(`Row ${row + 1}, column ${column + 1}: ${value}`);
  if (hint) reading.append(keys);
  placeReading();
}

function hide() {
  now = null;
  mark.remove();
  reading.replaceChildren();
}

/** @param {Cell & {picture: HTMLElement}} cell */
function moveMark({ picture, row, column }) {
  const [rows, columns] = shapeOf(picture);
  const share = (/** @type {number} */ part, /** @type {number} */ whole) => `${(100 * part) / whole}%`;
  Object.assign(mark.style, {
    top: share(row, rows),
    left: share(column, columns),
    height: share(1, rows),
    width: share(1, columns),
  });
  if (mark.parentNode !== picture) picture.append(mark);
}

/** Put the reading above its picture, or below where there is no room: it hides nothing of what is looked at. */
function placeReading() {
  if (!now) return;
  const picture = now.picture.getBoundingClientRect();
  const cell = mark.getBoundingClientRect();
  const { width, height } = reading.getBoundingClientRect();
  const room = document.documentElement.clientWidth - width - MARGIN;
  const above = picture.top - height - MARGIN;
  reading.style.left = `${clamp((cell.left + cell.right - width) / 2, MARGIN, room)}px`;
  reading.style.top = `${above < 0 ? picture.bottom + MARGIN : above}px`;
}

/** @param {HTMLElement} picture @param {number} row @param {number} column @param {boolean} [hint] */
function keep(picture, row, column, hint) {
  kept.set(figureOf(picture), { row, column });
  show(picture, row, column, hint);
}

/** Go back to the picture that has the focus, if one has. */
function leave() {
  const picture = focusedPicture();
  if (picture) enter(picture);
  else hide();
}

/** @param {HTMLElement} picture @param {boolean} [hint] */
function enter(picture, hint) {
  const [rows, columns] = shapeOf(picture);
  const { row, column } = kept.get(figureOf(picture)) ?? { row: rows >> 1, column: columns >> 1 };
  keep(picture, Math.min(row, rows - 1), Math.min(column, columns - 1), hint);
}

/** @param {PointerEvent} event */
function point(event) {
  const picture = /** @type {HTMLElement} */ (event.currentTarget);
  const [rows, columns] = shapeOf(picture);
  const box = picture.getBoundingClientRect();
  const row = clamp(Math.floor(((event.clientY - box.top) / box.height) * rows), 0, rows - 1);
  const column = clamp(Math.floor(((event.clientX - box.left) / box.width) * columns), 0, columns - 1);
  if (event.buttons) keep(picture, row, column);
  else if (now?.picture !== picture || now.row !== row || now.column !== column) show(picture, row, column);
}

/** @param {KeyboardEvent} event */
function press(event) {
  if (event.altKey || event.ctrlKey || event.metaKey) return; // the browser's own
  const picture = /** @type {HTMLElement} */ (event.currentTarget);
  const [rows, columns] = shapeOf(picture);
  const [by, way] = event.shiftKey ? [8, -1] : [1, 1];
  const { row, column } = kept.get(figureOf(picture)) ?? { row: 0, column: 0 };
  if (event.key === "Enter") next(picture, way);
  else if (event.key in MOVES) {
    const [down, right] = MOVES[event.key];
    keep(picture, clamp(row + by * down, 0, rows - 1), clamp(column + by * right, 0, columns - 1));
  } else return;
  event.preventDefault();
}

/** Go to the same cell of the picture after this one, or before it. @param {HTMLElement} picture @param {number} by */
function next(picture, by) {
  const all = picturesOf(figureOf(picture));
  all[(all.indexOf(picture) + by + all.length) % all.length].focus();
}

/** @param {FocusEvent} event */
function focus({ currentTarget }) {
  const picture = /** @type {HTMLElement} */ (currentTarget);
  for (const other of picturesOf(figureOf(picture))) other.tabIndex = other === picture ? 0 : -1;
  enter(picture, picture.matches(":focus-visible"));
}

/**
 * Let a picture be read; one of a figure is a stop of the keyboard.
 *
 * @param {HTMLElement} picture @param {number} index
 */
function enliven(picture, index) {
  const image = imageOf(picture);
  picture.tabIndex = index ? -1 : 0;
  picture.setAttribute("role", "application");
  picture.setAttribute("aria-label", image.alt);
  picture.setAttribute("aria-roledescription", "picture, walk with the arrow keys");
  image.setAttribute("aria-hidden", "true");
  picture.addEventListener("pointermove", point);
  picture.addEventListener("pointerdown", point);
  picture.addEventListener("pointercancel", leave);
  picture.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "touch") leave();
  });
  picture.addEventListener("keydown", press);
  picture.addEventListener("focus", focus);
  picture.addEventListener("blur", hide);
}

function start() {
  for (const figure of document.querySelectorAll("figure[data-scale]")) {
    if (figure instanceof HTMLElement) picturesOf(figure).forEach(enliven);
  }
  document.body.append(reading);
  for (const event of ["scroll", "resize"]) addEventListener(event, placeReading, { passive: true });
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    focusedPicture()?.blur();
    hide();
  });
}

start();
