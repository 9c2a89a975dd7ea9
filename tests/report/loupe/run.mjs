// Jobs for the modules of the page: a line of JSON from stdin each, and one to stdout; arrays as `faceloupe.arrays`
// writes them.
import { createInterface } from "node:readline";

import { at, decode, pixels } from "loupe/arrays";
import { convolutionAt, poolingAt } from "loupe/cells";
import { change, fromPicture } from "loupe/changes";
import { backwardBatch, forwardBatch } from "loupe/gradients";
import { parseNetwork } from "loupe/language";
import { planNetwork } from "loupe/planning";
import { ledger } from "loupe/ledger";
import { forward, readNetwork, silentUnits } from "loupe/network";
import { crossEntropy, train, zerosLike } from "loupe/training";

/** @type {Record<string, string>} */
const DTYPES = { Float32Array: "<f4", Float64Array: "<f8", Int32Array: "<i4", Uint8Array: "|u1" };

/** @param {Float32Array | Float64Array | Int32Array | Uint8Array} data @param {number[]} shape */
function encode(data, shape) {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return { dtype: DTYPES[data.constructor.name], shape, base64: bytes.toString("base64") };
}

/** Arrays of the same length as the rows of one. @param {(Float32Array | Float64Array | Int32Array)[]} rows */
function stack(rows) {
  const all =
    rows[0] instanceof Int32Array
      ? new Int32Array(rows.length * rows[0].length)
      : new Float64Array(rows.length * rows[0].length);
  rows.forEach((row, index) => all.set(row, index * row.length));
  return encode(all, [rows.length, rows[0].length]);
}

/** @param {import("loupe/arrays").ArrayDocument} document */
const facesOf = (document) => {
  const faces = decode(document);
  return Array.from({ length: faces.shape[0] }, (_, index) => pixels(at(faces, index)));
};

/** @param {Record<string, import("loupe/arrays").ArrayDocument>} documents */
const weightsOf = (documents) =>
  Object.fromEntries(Object.entries(documents).map(([name, document]) => [name, decode(document)]));

/** @param {Record<string, Float32Array | Float64Array>} arrays */
const encodeAll = (arrays) =>
  Object.fromEntries(Object.entries(arrays).map(([name, data]) => [name, encode(data, [data.length])]));

/** @param {any} job  As `test_loupe_engine.py` writes it. */
function networkOf({ layers, preprocessing, weights, faces }) {
  return readNetwork(layers, preprocessing, weightsOf(weights), faces.shape.slice(1));
}

/** @type {Record<string, (job: any) => unknown>} */
const JOBS = {
  decode: ({ arrays }) => arrays.map((/** @type {any} */ array) => encode(decode(array).data, array.shape)),

  forward(job) {
    const network = networkOf(job);
    const passes = facesOf(job.faces).map((face) => forward(network, face));
    const outputs = network.layers.map((_, layer) => stack(passes.map((pass) => pass.outputs[layer])));
    const winners = network.layers.map((_, layer) => {
      const places = passes.flatMap((pass) => pass.winners[layer] ?? []);
      return places.length ? stack(places) : null;
    });
    return { outputs, winners, probabilities: passes.map(({ probabilities }) => probabilities) };
  },

  ledger(job) {
    const network = networkOf(job);
    const ledgers = facesOf(job.faces).map((face) => ledger(network, forward(network, face), job.target));
    return {
      terms: stack(ledgers.map(({ terms }) => terms)),
      bias: ledgers.map(({ bias }) => bias),
      logit: ledgers.map(({ logit }) => logit),
      units: ledgers.map(({ units }) => units),
    };
  },

  silent: (job) => silentUnits(networkOf(job), facesOf(job.faces)),

  cells(job) {
    const network = networkOf(job);
    const pass = forward(network, facesOf(job.faces)[0]);
    return {
      convolution: job.convolution.map((/** @type {[number, number, number, number]} */ cell) => {
        const { patch, kernel, products, ...numbers } = convolutionAt(network, pass, ...cell);
        return { ...encodeAll({ patch, kernel, products }), ...numbers };
      }),
      pooling: job.pooling.map((/** @type {[number, number, number, number]} */ cell) => {
        const { values, ...numbers } = poolingAt(network, pass, ...cell);
        return { ...encodeAll({ values }), ...numbers };
      }),
    };
  },

  gradients(job) {
    const network = networkOf(job);
    const gradients = zerosLike(network);
    const inputs = facesOf(job.faces).map((face) => face.map((pixel) => (pixel - network.mean) / network.scale));
    const steps = forwardBatch(network, inputs, Math.random);
    const slopes = job.slopes.map((/** @type {number[]} */ slope) => Float64Array.from(slope));
    backwardBatch(steps, network.weights, slopes, gradients);
    return { gradients: encodeAll(gradients), weights: encodeAll(network.weights) };
  },

  train(job) {
    const network = networkOf(job);
    const faces = facesOf(job.faces);
    const epochs = [];
    for (const { end } of train({ ...job.how, network, faces, labels: job.labels })) {
      if (end) epochs.push({ ...end, weights: encodeAll(network.weights) });
    }
    return { epochs, logits: faces.map((face) => Array.from(forward(network, face).logits)) };
  },

  loss: ({ logits, labels }) =>
    logits.map((/** @type {number[]} */ row, /** @type {number} */ index) =>
      crossEntropy(Float64Array.from(row), labels[index]),
    ),

  plan: ({ sentence, size, outputs }) => planNetwork(parseNetwork(sentence).layers, size, outputs),

  change: ({ face, changes }) =>
    stack(
      changes.map((/** @type {object} */ settings) =>
        change(new Float32Array(decode(face).data), face.shape, settings),
      ),
    ),

  picture: ({ picture: { width, height, rgba }, size }) =>
    encode(fromPicture({ width, height, data: new Uint8ClampedArray(decode(rgba).data) }, size), size),
};

for await (const line of createInterface({ input: process.stdin })) {
  const job = JSON.parse(line);
  process.stdout.write(JSON.stringify(JOBS[job.job](job)) + "\n");
}
