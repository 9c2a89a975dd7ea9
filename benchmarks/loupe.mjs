/**
 * How long the page computes, against the 16 ms that a screen gives a frame.
 *
 * node benchmarks/loupe.mjs
 */
import "../tests/report/loupe/register.mjs";

const { change } = await import("loupe/changes");
const { forward } = await import("loupe/network");
const { initialise, training } = await import("loupe/training");

const FRAME = 16; // ms
const SIZE = [64, 64];
const FACES = 20;
const EPOCHS = 20;

/** Waves across a face, another direction each. */
const faces = Array.from({ length: FACES }, (_, index) =>
  Float32Array.from({ length: SIZE[0] * SIZE[1] }, (_, pixel) => {
    const [row, column] = [Math.floor(pixel / SIZE[1]), pixel % SIZE[1]];
    return 0.5 + 0.4 * Math.sin((row * Math.cos(index) + column * Math.sin(index)) / 5);
  }),
);
const labels = faces.map((_, index) => index % 2);
const fcnn = initialise("fcnn", SIZE, 0, { mean: 0.5 });
const cnn = initialise("cnn", SIZE, 0, { mean: 0.5 });
const changes = { dx: 3, dy: -2, degrees: 7, zoom: 1.1, brightness: 0.1, blur: 1.5 };

function train(kind) {
  const network = initialise(kind, SIZE, 0, { mean: 0.5 });
  const steps = training({ network, faces, labels, epochs: EPOCHS, batchSize: 5, learningRate: 1e-3, seed: 0 });
  while (!steps.next().done);
}

function hover(face) {
  const changed = change(face, SIZE, changes);
  forward(fcnn, changed);
  forward(cnn, changed);
}

/** Return the median ms of a job, after a few runs that let the compiler settle. */
function milliseconds(job, repeats) {
  const times = Array.from({ length: 2 * repeats }, (_, index) => {
    const started = performance.now();
    job(faces[index % FACES]);
    return performance.now() - started;
  });
  return times.slice(repeats).sort((a, b) => a - b)[Math.floor(repeats / 2)];
}

const JOBS = [
  ["forward, FCNN", (face) => forward(fcnn, face), 200],
  ["forward, CNN", (face) => forward(cnn, face), 200],
  ["change (moved, turned, zoomed, blurred, brighter)", (face) => change(face, SIZE, changes), 200],
  ["change and both forwards", hover, 200],
  [`training the FCNN, ${EPOCHS} epochs of ${FACES}`, () => train("fcnn"), 3],
  [`training the CNN, ${EPOCHS} epochs of ${FACES}`, () => train("cnn"), 3],
];

console.log(`${"".padEnd(52)}${"ms".padStart(8)}${"x frame".padStart(9)}`);
for (const [label, job, repeats] of JOBS) {
  const time = milliseconds(job, repeats);
  console.log(`${label.padEnd(52)}${time.toFixed(2).padStart(8)}${(time / FRAME).toFixed(2).padStart(9)}`);
}
