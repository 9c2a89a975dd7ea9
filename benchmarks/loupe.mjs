/**
 * How long the page computes, against the 16 ms that a screen gives a frame.
 *
 * node benchmarks/loupe.mjs
 */
import "../tests/report/loupe/register.mjs";

const { change } = await import("loupe/changes");
const { parseNetwork } = await import("loupe/language");
const { forward } = await import("loupe/network");
const { initialise, train } = await import("loupe/training");

const FRAME = 16; // ms
/** @type {[number, number]} */
const SIZE = [64, 64];
const FACES = 20;

/** @type {Record<string, string>} */
const SENTENCES = {
  FCNN: "dense 4 relu",
  CNN: "conv 4 8x8 relu, pool 4, dense 4 relu",
  "two convolutions": "conv 8 5x5 relu, pool 2, conv 16 3x3 relu, pool 2, dense 16 relu; optimiser adam",
};

/** Waves across a face, another direction each. */
const faces = Array.from({ length: FACES }, (_, index) =>
  Float32Array.from({ length: SIZE[0] * SIZE[1] }, (__, pixel) => {
    const [row, column] = [Math.floor(pixel / SIZE[1]), pixel % SIZE[1]];
    return 0.5 + 0.4 * Math.sin((row * Math.cos(index) + column * Math.sin(index)) / 5);
  }),
);
const labels = faces.map((_, index) => index % 2);
const changes = { dx: 3, dy: -2, degrees: 7, zoom: 1.1, brightness: 0.1, blur: 1.5 };
const centred = { mean: 0.5, scale: 1 };

/** @param {string} sentence */
const make = (sentence) => initialise(parseNetwork(sentence), SIZE, 1, 0, centred);

/** @param {string} sentence */
function trainOnce(sentence) {
  const { training } = parseNetwork(sentence);
  const steps = train({ network: make(sentence), faces, labels, training, seed: 0 });
  while (!steps.next().done);
}

/**
 * Return the median ms of a job, after a few runs that let the compiler settle.
 *
 * @param {(face: Float32Array) => void} job
 * @param {number} repeats
 */
function milliseconds(job, repeats) {
  const times = Array.from({ length: 2 * repeats }, (_, index) => {
    const started = performance.now();
    job(faces[index % FACES]);
    return performance.now() - started;
  });
  return times.slice(repeats).sort((a, b) => a - b)[Math.floor(repeats / 2)];
}

/** @type {[string, (face: Float32Array) => void, number][]} */
const JOBS = [["change (moved, turned, zoomed, blurred, brighter)", (face) => change(face, SIZE, changes), 200]];
for (const [name, sentence] of Object.entries(SENTENCES)) {
  const network = make(sentence);
  JOBS.push([`forward, ${name}`, (face) => forward(network, face), 200]);
}
for (const [name, sentence] of Object.entries(SENTENCES)) {
  JOBS.push([`training, ${name}, 20 epochs of ${FACES}`, () => trainOnce(sentence), 3]);
}

console.log(`${"".padEnd(52)}${"ms".padStart(8)}${"x frame".padStart(9)}`);
for (const [label, job, repeats] of JOBS) {
  const time = milliseconds(job, repeats);
  console.log(`${label.padEnd(52)}${time.toFixed(2).padStart(8)}${(time / FRAME).toFixed(2).padStart(9)}`);
}
