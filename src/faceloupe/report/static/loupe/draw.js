/** Arrays as pixels: one pixel for each number, on the colours that the report's pictures have. */

// Blue, white at zero, orange: the diverging `STOPS` of `faceloupe.report.pictures`.
const STOPS = [
  [18, 52, 130],
  [110, 155, 222],
  [255, 255, 255],
  [236, 158, 92],
  [138, 56, 4],
];
const HALF = 256;
const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** @param {number[]} colour  Red, green and blue, 0 to 255. */
const pack = ([red, green, blue]) =>
  LITTLE_ENDIAN
    ? ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0
    : ((red << 24) | (green << 16) | (blue << 8) | 255) >>> 0;

/** The colour of a share from -1 to 1. @param {number} share @returns {number[]} */
export function diverging(share) {
  const position = (Math.min(Math.max(share, -1), 1) + 1) * 2;
  const stop = Math.min(Math.floor(position), STOPS.length - 2);
  return STOPS[stop].map((channel, index) =>
    Math.round(channel + (STOPS[stop + 1][index] - channel) * (position - stop)),
  );
}

const SIGNED = Uint32Array.from({ length: 2 * HALF + 1 }, (_, index) => pack(diverging((index - HALF) / HALF)));
const GREY = Uint32Array.from({ length: 256 }, (_, level) => pack([level, level, level]));

/**
 * @typedef {object} Scale
 * @property {"photograph" | "diverging"} kind
 * @property {number} [limit]  The value at the orange end; minus it is at the blue end.
 * @property {boolean} [rectified]  Negative numbers are drawn as the zero that the ReLU makes of them.
 */

/**
 * Draw rows * columns numbers from `offset` on.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} values
 * @param {[number, number]} shape
 * @param {Scale} scale
 * @param {number} [offset]
 * @param {number} [upTo]  Numbers from this one on are left blank.
 */
export function paint(canvas, values, [rows, columns], scale, offset = 0, upTo = Infinity) {
  if (canvas.width !== columns || canvas.height !== rows) [canvas.width, canvas.height] = [columns, rows];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(columns, rows);
  const colours = new Uint32Array(image.data.buffer);
  const colour = scale.kind === "photograph" ? greyOf : signedOf(scale);
  const end = Math.min(colours.length, upTo);
  for (let index = 0; index < end; index++) colours[index] = colour(values[offset + index]);
  context.putImageData(image, 0, 0);
}

/** @param {number} value */
const greyOf = (value) => GREY[Math.round(255 * Math.min(Math.max(value, 0), 1))];

/** @param {Scale} scale @returns {(value: number) => number} */
function signedOf({ limit, rectified }) {
  const factor = HALF / (limit || 1);
  const least = rectified ? 0 : -HALF;
  return (value) => SIGNED[HALF + Math.round(Math.min(Math.max(value * factor, least), HALF))];
}

/**
 * The colours of a cell in a table of numbers: the heat, and the ink that can be read on it.
 *
 * @param {number} value @param {number} limit
 */
export function cellColours(value, limit) {
  const share = value / (limit || 1);
  return { background: `rgb(${diverging(share).join(" ")})`, color: Math.abs(share) > 0.62 ? "#fff" : "#1d1c1a" };
}
