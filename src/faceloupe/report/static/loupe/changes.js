/**
 * Known changes to a face, to see what a network makes of them, and a picture made into a face.
 *
 * @typedef {import("loupe/layers").Pair} Pair
 *
 * @typedef {object} Change
 * @property {number} dx  Pixels to the right; fractions too, as for `dy`.
 * @property {number} dy  Pixels down.
 * @property {number} degrees  Counter-clockwise about the centre.
 * @property {number} zoom  About the centre; above 1 enlarges.
 * @property {number} brightness  Added, -1 to 1.
 * @property {number} blur  Standard deviation of a Gaussian in pixels.
 * @property {{row: number, column: number, side: number} | null} occluder  A square by its upper left pixel.
 * @property {{row: number, column: number, value: number, radius: number}[]} strokes  Discs by their centre; `value`
 *   from 0 (black) to 1 (white), later ones on top.
 */

/** @type {Readonly<Change>} */
export const UNCHANGED = Object.freeze({
  dx: 0,
  dy: 0,
  degrees: 0,
  zoom: 1,
  brightness: 0,
  blur: 0,
  occluder: null,
  strokes: [],
});

/**
 * Return a changed copy of a face: moved, blurred, brightened, covered and painted on, in this order.
 *
 * Agrees with `faceloupe.faces.perturbations`: what comes into view repeats the nearest edge pixel, and a square takes
 * the picture's own mean grey, so that neither changes the brightness as well.
 *
 * @param {Float32Array} face  Pixels in [0, 1].
 * @param {Pair} size  Height and width.
 * @param {Partial<Change>} settings  What is left out stays as in `UNCHANGED`.
 * @returns {Float32Array}
 */
export function change(face, size, settings) {
  const { brightness, blur, occluder, strokes, ...motion } = { ...UNCHANGED, ...settings };
  const moved = move(face, size, motion);
  const blurred = blur > 0 ? gaussian(moved, size, blur) : moved;
  const changed = blurred.map((pixel) => within(pixel + brightness, 0, 1));
  if (occluder) cover(changed, size, occluder);
  for (const stroke of strokes) paint(changed, size, stroke);
  return changed;
}

/**
 * Zoom and turn about the centre, then shift: one bilinear reading.
 *
 * @param {Float32Array} face
 * @param {Pair} size
 * @param {{dx: number, dy: number, degrees: number, zoom: number}} motion
 */
function move(face, [height, width], { dx, dy, degrees, zoom }) {
  const [middle, centre] = [(height - 1) / 2, (width - 1) / 2];
  const cosine = Math.cos((degrees * Math.PI) / 180) / zoom;
  const sine = Math.sin((degrees * Math.PI) / 180) / zoom;
  const moved = new Float32Array(face.length);
  for (let row = 0, index = 0; row < height; row++) {
    const y = row - dy - middle;
    for (let column = 0; column < width; column++, index++) {
      const x = column - dx - centre;
      const fromRow = within(middle + x * sine + y * cosine, 0, height - 1);
      const fromColumn = within(centre + x * cosine - y * sine, 0, width - 1);
      moved[index] = bilinear(face, height, width, fromRow, fromColumn);
    }
  }
  return moved;
}

/**
 * @param {Float32Array} face @param {number} height @param {number} width
 * @param {number} row @param {number} column
 */
function bilinear(face, height, width, row, column) {
  const left = Math.floor(column);
  const right = Math.min(left + 1, width - 1);
  const across = column - left;
  const top = Math.floor(row) * width;
  const bottom = Math.min(top + width, (height - 1) * width);
  const down = row - Math.floor(row);
  const above = (1 - across) * face[top + left] + across * face[top + right];
  const below = (1 - across) * face[bottom + left] + across * face[bottom + right];
  return (1 - down) * above + down * below;
}

/** @param {Float32Array} face @param {Pair} size @param {number} sigma */
function gaussian(face, [height, width], sigma) {
  const radius = Math.floor(4 * sigma + 0.5); // SciPy's gaussian_filter cuts there too
  const bells = Array.from({ length: 2 * radius + 1 }, (_, index) => Math.exp(-0.5 * ((index - radius) / sigma) ** 2));
  const total = bells.reduce((sum, bell) => sum + bell, 0);
  const weights = Float64Array.from(bells, (bell) => bell / total);
  const downwards = smooth(face, weights, [width, 1], [height, width]);
  return smooth(downwards, weights, [1, width], [width, height]);
}

/**
 * Weigh each pixel with its neighbours along lines that are `length` long, whose pixels are `step` apart.
 *
 * @param {Float32Array} face
 * @param {Float64Array} weights  An odd number; the middle one is the pixel's own.
 * @param {Pair} steps  From pixel to pixel along a line, and from line to line.
 * @param {Pair} counts  Pixels of a line, and lines.
 */
function smooth(face, weights, [step, stride], [length, lines]) {
  const radius = (weights.length - 1) / 2;
  const smoothed = new Float32Array(face.length);
  for (let line = 0; line < lines; line++) {
    for (let middle = 0; middle < length; middle++) {
      let sum = 0;
      for (let index = 0; index < weights.length; index++) {
        const neighbour = within(middle + index - radius, 0, length - 1);
        sum += weights[index] * face[line * stride + neighbour * step];
      }
      smoothed[line * stride + middle * step] = sum;
    }
  }
  return smoothed;
}

/** @param {Float32Array} face @param {Pair} size @param {{row: number, column: number, side: number}} square */
function cover(face, [height, width], { row, column, side }) {
  const mean = face.reduce((sum, pixel) => sum + pixel, 0) / face.length;
  const [left, right] = [within(column, 0, width), within(column + side, 0, width)];
  for (let line = within(row, 0, height); line < within(row + side, 0, height); line++) {
    face.fill(mean, line * width + left, line * width + right);
  }
}

/** @param {Float32Array} face @param {Pair} size @param {Change["strokes"][number]} disc */
function paint(face, [height, width], { row, column, value, radius }) {
  for (let y = Math.max(0, Math.ceil(row - radius)); y <= Math.min(height - 1, row + radius); y++) {
    const half = Math.sqrt(radius ** 2 - (y - row) ** 2);
    const [left, right] = [Math.ceil(column - half), Math.floor(column + half)];
    face.fill(value, y * width + within(left, 0, width), y * width + within(right + 1, 0, width));
  }
}

/**
 * Make a face of a picture: the largest centred part of the face's aspect, averaged by area to its size, in grey.
 *
 * Grey is ITU-R 601 luma, and transparent parts are white, as in `faceloupe.read_image`.
 *
 * @param {{data: Uint8ClampedArray, width: number, height: number}} picture  RGBA, such as a canvas' ImageData.
 * @param {Pair} size  Height and width of the face.
 * @returns {Float32Array}  Pixels in [0, 1].
 */
export function fromPicture({ data, width, height }, [rows, columns]) {
  const scale = Math.min(width / columns, height / rows);
  const down = shares(rows, height, scale);
  const across = shares(columns, width, scale);
  return new Float32Array(rows * columns).map((_, index) => {
    let sum = 0;
    for (const [line, part] of down[Math.floor(index / columns)]) {
      for (const [cell, share] of across[index % columns]) sum += part * share * grey(data, 4 * (line * width + cell));
    }
    return sum;
  });
}

/**
 * Return, for each of `count` boxes of `scale` pixels in the middle of `length` pixels, the pixels and their shares.
 *
 * @param {number} count @param {number} length @param {number} scale
 * @returns {[number, number][][]}
 */
function shares(count, length, scale) {
  const margin = Math.max(0, (length - count * scale) / 2); // rounding may leave a hair below 0
  return Array.from({ length: count }, (_, index) => {
    const [from, to] = [margin + index * scale, margin + (index + 1) * scale];
    const first = Math.floor(from);
    const cells = Array.from({ length: Math.min(Math.ceil(to), length) - first }, (_, offset) => first + offset);
    return cells.map((cell) => [cell, (Math.min(to, cell + 1) - Math.max(from, cell)) / scale]);
  });
}

/** @param {Uint8ClampedArray} data @param {number} offset */
function grey(data, offset) {
  const luma = 0.299 * data[offset] + 0.587 * data[offset + 1] + 0.114 * data[offset + 2];
  const opacity = data[offset + 3] / 255;
  return (opacity * luma) / 255 + 1 - opacity;
}

/** @param {number} value @param {number} least @param {number} most */
function within(value, least, most) {
  return Math.min(Math.max(value, least), most);
}
