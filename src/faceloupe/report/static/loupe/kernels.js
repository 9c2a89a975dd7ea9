/**
 * Kernels to slide over a face: known ones, and a Gabor at any angle.
 *
 * @typedef {import("loupe/layers").Pair} Pair
 * @typedef {{name: string, size: Pair, taps: Float32Array, bias: number, what: string}} Kernel
 */

/** @type {Record<string, Kernel>} */
export const KERNELS = {
  upright: {
    name: "Upright edges",
    size: [3, 3],
    taps: Float32Array.of(-1, 0, 1, -2, 0, 2, -1, 0, 1),
    bias: 0,
    what: "Sobel's kernel: right of it less left of it. Above 0 where it gets brighter from left to right.",
  },
  level: {
    name: "Level edges",
    size: [3, 3],
    taps: Float32Array.of(-1, -2, -1, 0, 0, 0, 1, 2, 1),
    bias: 0,
    what: "The same, turned: below less above. Above 0 where it gets brighter downwards.",
  },
  blur: {
    name: "Blur",
    size: [5, 5],
    taps: new Float32Array(25).fill(1 / 25),
    bias: 0,
    what: "The mean of 25 pixels: what is small disappears.",
  },
  sharpen: {
    name: "Sharpen",
    size: [3, 3],
    taps: Float32Array.of(0, -1, 0, -1, 5, -1, 0, -1, 0),
    bias: 0,
    what: "Five times the middle less its four neighbours: differences grow, flat parts stay.",
  },
};

const SIDE = 9;
const WAVELENGTH = 5;
const SPREAD = 2.2;

/**
 * Return a Gabor kernel, a wave under a bell (Daugman 1985): it answers to stripes of one direction and one width.
 *
 * @param {number} degrees  Of the stripes: 0 is upright, more turns them counter-clockwise.
 * @returns {Kernel}
 */
export function gabor(degrees) {
  const angle = (degrees * Math.PI) / 180;
  const middle = (SIDE - 1) / 2;
  const taps = new Float32Array(SIDE * SIDE).map((_, index) => {
    const [y, x] = [Math.floor(index / SIDE) - middle, (index % SIDE) - middle];
    const across = x * Math.cos(angle) + y * Math.sin(angle);
    return Math.exp(-(x * x + y * y) / (2 * SPREAD ** 2)) * Math.cos((2 * Math.PI * across) / WAVELENGTH);
  });
  const mean = taps.reduce((sum, tap) => sum + tap, 0) / taps.length;
  return {
    name: "Gabor",
    size: [SIDE, SIDE],
    taps: taps.map((tap) => tap - mean), // so that it says nothing of a flat face
    bias: 0,
    what: "A wave under a bell: it answers to stripes of its direction and width, as cells of the visual cortex do.",
  };
}
