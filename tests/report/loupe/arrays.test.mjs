import assert from "node:assert/strict";
import test from "node:test";
import { deflateSync } from "node:zlib";

import { at, decode, inflate, pixels } from "loupe/arrays";

/** @param {"<f4" | "<f2" | "|u1"} dtype @param {number[]} shape @param {ArrayLike<number>} bytes */
const document = (dtype, shape, bytes) => ({
  dtype,
  shape,
  base64: Buffer.from(Uint8Array.from(bytes)).toString("base64"),
});

test("singles, bytes and halves are read", () => {
  assert.deepEqual(decode(document("<f4", [1], [0, 0, 0x80, 0x3f])), { data: new Float32Array([1]), shape: [1] });
  assert.deepEqual(decode(document("|u1", [3], [0, 7, 255])), { data: new Uint8Array([0, 7, 255]), shape: [3] });
  // IEEE 754: 1, -2, the largest, the smallest normal, the smallest, both zeros, infinity.
  const halves = [0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x0000, 0x8000, 0xfc00];
  const { data } = decode(document("<f2", [8], new Uint8Array(new Uint16Array(halves).buffer)));
  assert.deepEqual([...data], [1, -2, 65504, 2 ** -14, 2 ** -24, 0, -0, -Infinity]);
  assert.ok(Number.isNaN(decode(document("<f2", [1], [1, 0x7c])).data[0]));
});

test("compressed arrays are inflated wherever they are in a document", async () => {
  const bytes = new Uint8Array(new Float32Array([1, -2.5, 3e-9]).buffer);
  const shuffled = bytes.map((_, place) => bytes[(place % 3) * 4 + Math.floor(place / 3)]);
  const deflate = deflateSync(shuffled).toString("base64");
  const found = await inflate({ a: [{ b: { dtype: "<f4", shape: [3], deflate } }], c: null, d: "x", e: 1 });
  assert.deepEqual(decode(found.a[0].b), { data: new Float32Array([1, -2.5, 3e-9]), shape: [3] });
  assert.deepEqual([found.c, found.d, found.e], [null, "x", 1]);
});

test("an unknown dtype is refused with those that are known", () => {
  // @ts-expect-error: what no document of ours holds
  assert.throws(() => decode(document("<f8", [1], new Array(8).fill(0))), /<f4, <f2, \|u1, but is <f8/);
});

test("a part is a view, and grey values run from 0 to 1", () => {
  const faces = { data: new Uint8Array([0, 51, 102, 255]), shape: [2, 1, 2] };
  const second = at(faces, 1);
  assert.deepEqual(second, { data: new Uint8Array([102, 255]), shape: [1, 2] });
  assert.equal(second.data.buffer, faces.data.buffer);
  assert.deepEqual(pixels(second), new Float32Array([0.4, 1]));
});
