/**
 * What the layers do to numbers. Maps are flat and row-major, (filters, rows, columns); numbers are kept in single
 * precision and added in double.
 *
 * @typedef {[number, number]} Pair  Rows and columns.
 */

/**
 * Slide each filter over the pixels, without padding and in steps of 1.
 *
 * @param {import("loupe/network").Network} network
 * @param {Float32Array} input  (height, width)
 * @returns {Float32Array}  (filters, ...map)
 */
export function convolve({ weights, filters, kernel, map: [height, width], width: step }, input) {
  const pixels = new Float32Array(input.length + 3); // the last four positions of a row may reach past the end
  pixels.set(input);
  const row = new Float64Array(width + 3);
  const kept = row.subarray(0, width);
  const maps = new Float32Array(filters * height * width);
  for (let index = 0; index < filters * height; index++) {
    const filter = Math.floor(index / height);
    const taps = weights["conv.weight"].subarray(filter * area(kernel), (filter + 1) * area(kernel));
    convolveRow(row, pixels, (index % height) * step, step, taps, kernel, weights["conv.bias"][filter]);
    maps.set(kept, index * width);
  }
  return maps;
}

/**
 * Convolve one row, four positions at a time: they share their reads of pixels and taps, and their sums do not wait for
 * one another (three times as fast as one position at a time).
 *
 * @param {Float64Array} row  Filled here; three longer than what is kept of it.
 * @param {Float32Array} pixels @param {number} start @param {number} step
 * @param {Float32Array} taps @param {Pair} kernel @param {number} bias
 */
function convolveRow(row, pixels, start, step, taps, [rows, columns], bias) {
  for (let column = 0; column + 3 < row.length; column += 4) {
    let a = bias;
    let b = bias;
    let c = bias;
    let d = bias;
    for (let i = 0; i < rows; i++) {
      const from = start + i * step + column;
      let p = pixels[from];
      let q = pixels[from + 1];
      let r = pixels[from + 2];
      for (let j = 0; j < columns; j++) {
        const tap = taps[i * columns + j];
        const s = pixels[from + j + 3];
        a += tap * p;
        b += tap * q;
        c += tap * r;
        d += tap * s;
        p = q;
        q = r;
        r = s;
      }
    }
    row[column] = a;
    row[column + 1] = b;
    row[column + 2] = c;
    row[column + 3] = d;
  }
}

/**
 * Take the largest number of each window after the ReLU; windows do not overlap, and left-over cells are not seen.
 *
 * @param {import("loupe/network").Network} network
 * @param {Float32Array} conv  (filters, ...map), before the ReLU.
 * @returns {{pool: Float32Array, winners: Int32Array}}  (filters, ...pooled) each: the largest numbers, and the index
 *   in the filter's map where each stands first.
 */
export function maxPool({ filters, map, pool: window, pooled }, conv) {
  const pool = new Float32Array(filters * area(pooled));
  const winners = new Int32Array(pool.length);
  for (let index = 0; index < pool.length; index++) {
    const [filter, row, column] = place(index, pooled);
    const offset = filter * area(map);
    const corner = row * window[0] * map[1] + column * window[1];
    let best = 0; // the ReLU: a window with nothing above 0 is won by its first cell
    let winner = corner;
    for (let i = 0; i < window[0]; i++) {
      for (let cell = corner + i * map[1], end = cell + window[1]; cell < end; cell++) {
        if (conv[offset + cell] <= best) continue;
        best = conv[offset + cell];
        winner = cell;
      }
    }
    pool[index] = best;
    winners[index] = winner;
  }
  return { pool, winners };
}

/**
 * Multiply an input by each row of a matrix and add the bias.
 *
 * @param {Float32Array} matrix  (rows, input.length)
 * @param {Float32Array} bias  (rows,)
 * @param {Float32Array | Float64Array} input
 * @returns {Float64Array}  (rows,)
 */
export function dense(matrix, bias, input) {
  const sums = new Float64Array(bias);
  for (let row = 0; row < sums.length; row++) {
    const offset = row * input.length;
    let sum = sums[row];
    for (let column = 0; column < input.length; column++) sum += matrix[offset + column] * input[column];
    sums[row] = sum;
  }
  return sums;
}

/**
 * Return filter, row and column of an index into maps of a size.
 *
 * @param {number} index
 * @param {Pair} size
 * @returns {[number, number, number]}
 */
export function place(index, [rows, columns]) {
  const row = Math.floor(index / columns);
  return [Math.floor(row / rows), row % rows, index % columns];
}

/** @param {Pair} size */
export function area([rows, columns]) {
  return rows * columns;
}

/** @param {number} value */
export function relu(value) {
  return value > 0 ? value : 0;
}
