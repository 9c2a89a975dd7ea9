// One job for the modules of the page: JSON from stdin, JSON to stdout; arrays as `faceloupe.documents` writes them.
import { readFileSync } from "node:fs";

import { at, decode, pixels } from "loupe/arrays";
import { change, fromPicture } from "loupe/changes";
import { convolutionAt, deadUnits, forward, ledger, poolingAt, readNetwork } from "loupe/network";
import { training } from "loupe/training";

const DTYPES = { Float32Array: "<f4", Float64Array: "<f8", Int32Array: "<i4", Uint8Array: "|u1" };

function encode(data, shape) {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return { dtype: DTYPES[data.constructor.name], shape, base64: bytes.toString("base64") };
}

/** Arrays of the same length as the rows of one. */
function stack(rows) {
  const all = new rows[0].constructor(rows.length * rows[0].length);
  rows.forEach((row, index) => all.set(row, index * row.length));
  return encode(all, [rows.length, rows[0].length]);
}

const facesOf = (document) => {
  const faces = decode(document);
  return Array.from({ length: faces.shape[0] }, (_, index) => pixels(at(faces, index)));
};

const weightsOf = (documents) =>
  Object.fromEntries(Object.entries(documents).map(([name, one]) => [name, decode(one)]));

const encodeAll = (arrays) =>
  Object.fromEntries(Object.entries(arrays).map(([name, data]) => [name, encode(data, [data.length])]));

function networkOf({ entry, weights, faces }) {
  return readNetwork(entry, weightsOf(weights), faces.shape.slice(1));
}

const JOBS = {
  decode: ({ arrays }) => arrays.map((one) => encode(decode(one).data, one.shape)),

  forward(job) {
    const network = networkOf(job);
    const passes = facesOf(job.faces).map((face) => forward(network, face));
    const kept = ["conv", "pool", "winners", "sums", "hidden"].filter((name) => passes[0][name]);
    const found = Object.fromEntries(kept.map((name) => [name, stack(passes.map((pass) => pass[name]))]));
    return { ...found, logit: passes.map(({ logit }) => logit), probability: passes.map((pass) => pass.probability) };
  },

  ledger(job) {
    const network = networkOf(job);
    const ledgers = facesOf(job.faces).map((face) => ledger(network, forward(network, face)));
    return { terms: stack(ledgers.map(({ terms }) => terms)), bias: ledgers.map(({ bias }) => bias) };
  },

  dead: (job) => deadUnits(networkOf(job), facesOf(job.faces)),

  places(job) {
    const network = networkOf(job);
    const pass = forward(network, facesOf(job.faces)[0]);
    return {
      convolution: job.convolution.map((place) => {
        const { patch, kernel, products, ...numbers } = convolutionAt(network, pass, ...place);
        return { ...encodeAll({ patch, kernel, products }), ...numbers };
      }),
      pooling: job.pooling.map((place) => {
        const { values, ...numbers } = poolingAt(network, pass, ...place);
        return { ...encodeAll({ values }), ...numbers };
      }),
    };
  },

  train(job) {
    const network = networkOf(job);
    const faces = facesOf(job.faces);
    const ends = [...training({ ...job.training, network, faces, labels: job.labels })].filter(
      ({ weights }) => weights,
    );
    return {
      epochs: ends.map(({ loss, accuracy, dead, weights }) => ({ loss, accuracy, dead, weights: encodeAll(weights) })),
      logit: faces.map((face) => forward(network, face).logit),
    };
  },

  change: ({ face, changes }) => stack(changes.map((settings) => change(decode(face).data, face.shape, settings))),

  picture: ({ picture: { width, height, rgba }, size }) =>
    encode(fromPicture({ width, height, data: decode(rgba).data }, size), size),
};

const job = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(JOBS[job.job](job)));
