/**
 * Arrays as documents carry them, and as the page holds them.
 *
 * @typedef {{dtype: "<f4" | "<f2" | "|u1", shape: number[], base64?: string, deflate?: string, bytes?: ArrayBuffer}}
 *   ArrayDocument  Its content is in one of the three: plain, compressed, or inflated by {@link inflate}.
 * @typedef {{data: Float32Array | Uint8Array, shape: number[]}} NDArray  Row-major, as NumPy's.
 */

// Typed arrays have the machine's byte order, which is little-endian wherever a browser runs today.
/** @type {Record<string, (buffer: ArrayBuffer) => Float32Array | Uint8Array>} */
const READERS = {
  "<f4": (buffer) => new Float32Array(buffer),
  "<f2": (buffer) => new Float32Array(new Uint16Array(buffer)).map(half),
  "|u1": (buffer) => new Uint8Array(buffer),
};

/**
 * Return the array that `faceloupe.documents.encode_array` wrote.
 *
 * @param {ArrayDocument} document
 * @returns {NDArray}  Half precision becomes single, which holds every half exactly.
 * @throws {Error}  If the dtype is none that the page reads.
 */
export function decode({ dtype, shape, base64, bytes }) {
  const read = READERS[dtype];
  if (!read) throw new Error(`dtype must be one of ${Object.keys(READERS).join(", ")}, but is ${dtype}.`);
  return { data: read(bytes ?? bytesOf(base64 ?? "")), shape };
}

/**
 * Return a document whose compressed arrays are inflated, wherever they are in it.
 *
 * @param {any} document
 * @returns {Promise<any>}
 */
export async function inflate(document) {
  if (typeof document !== "object" || document === null) return document;
  if (Array.isArray(document)) return Promise.all(document.map(inflate));
  if (document.deflate) return { ...document, bytes: await inflated(document) };
  const parts = await Promise.all(Object.values(document).map(inflate));
  return Object.fromEntries(Object.keys(document).map((name, index) => [name, parts[index]]));
}

/** Undo `encode_array`'s compression: all first bytes stand before all second bytes. @param {ArrayDocument} array */
async function inflated({ dtype, deflate }) {
  const stream = new Blob([bytesOf(deflate ?? "")]).stream().pipeThrough(new DecompressionStream("deflate"));
  const shuffled = new Uint8Array(await new Response(stream).arrayBuffer());
  const width = Number(dtype.at(-1));
  const count = shuffled.length / width;
  return Uint8Array.from(shuffled, (_, place) => shuffled[(place % width) * count + Math.floor(place / width)]).buffer;
}

/**
 * Return part `index` along the first axis, as `array[index]` in NumPy: a view, not a copy.
 *
 * @param {NDArray} array
 * @param {number} index  From 0 to shape[0] - 1.
 * @returns {NDArray}
 */
export function at({ data, shape }, index) {
  const size = data.length / shape[0];
  return { data: data.subarray(index * size, (index + 1) * size), shape: shape.slice(1) };
}

/**
 * Return 8-bit grey values as numbers from 0 (black) to 1 (white).
 *
 * @param {NDArray} array
 * @returns {Float32Array}
 */
export function pixels({ data }) {
  return new Float32Array(data).map((value) => value / 255);
}

/** @param {string} base64 */
function bytesOf(base64) {
  const characters = atob(base64);
  const bytes = new Uint8Array(characters.length);
  for (let index = 0; index < bytes.length; index++) bytes[index] = characters.charCodeAt(index);
  return bytes.buffer;
}

/**
 * Return the number that 16 bits stand for (IEEE 754 binary16).
 *
 * @param {number} bits
 */
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent ? sign * (1024 + fraction) * 2 ** (exponent - 25) : sign * fraction * 2 ** -24;
}
