import assert from "node:assert/strict";
import test from "node:test";

import { change, fromPicture, UNCHANGED } from "loupe/changes";

import { close, face, numbers } from "./made.mjs";

/** @type {[number, number][]} */
const SIZES = [
  [64, 64],
  [11, 13],
  [1, 5],
];
const faces = () => SIZES.map((size, seed) => ({ size, portrait: face(size, numbers(seed)) }));
/** @param {Float32Array} values */
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** A row of RGBA pixels. @param {number} width @param {number} height @param {number[][]} rgba */
const picture = (width, height, rgba) => ({ width, height, data: new Uint8ClampedArray(rgba.flat()) });
/** @param {number[]} values */
const greys = (values) => values.map((value) => [value, value, value, 255]);

test("unchanged is the same numbers in another array", () => {
  for (const { size, portrait } of faces()) {
    for (const settings of [{}, UNCHANGED]) {
      const same = change(portrait, size, settings);
      assert.deepEqual(same, portrait);
      assert.notEqual(same.buffer, portrait.buffer);
    }
  }
});

test("no change touches the face it is given or leaves [0, 1]", () => {
  const number = numbers(11);
  for (const { size, portrait } of faces()) {
    const before = portrait.slice();
    for (let repeat = 0; repeat < 40; repeat++) {
      const changed = change(portrait, size, {
        dx: 20 * number(),
        dy: 20 * number(),
        degrees: 200 * number(),
        zoom: 1.5 + number(),
        brightness: number(),
        blur: Math.max(0, 3 * number()),
        occluder: { row: Math.round(20 * number()), column: Math.round(20 * number()), side: 6 },
        strokes: [{ row: 10 * number(), column: 10 * number(), value: 1, radius: 3 }],
      });
      assert.equal(changed.length, portrait.length);
      assert.ok(changed.every((pixel) => pixel >= 0 && pixel <= 1));
    }
    assert.deepEqual(portrait, before);
  }
});

test("moved right and down, the edge repeats", () => {
  const portrait = Float32Array.from([0, 0.1, 0.2, 0.3, 0.4, 0.5]);
  assert.deepEqual(change(portrait, [2, 3], { dx: 1 }), Float32Array.from([0, 0, 0.1, 0.3, 0.3, 0.4]));
  assert.deepEqual(change(portrait, [2, 3], { dy: -1 }), Float32Array.from([0.3, 0.4, 0.5, 0.3, 0.4, 0.5]));
  assert.deepEqual(change(portrait, [2, 3], { dx: 50 }), Float32Array.from([0, 0, 0, 0.3, 0.3, 0.3]));
  close(change(portrait, [2, 3], { dx: 0.5 })[1], 0.05, 1e-6);
});

test("a quarter turn is counter-clockwise, and four of them lead home", () => {
  const portrait = Float32Array.from([1, 0.5, 0.25, 0]); // 1 is upper left
  change(portrait, [2, 2], { degrees: 90 }).forEach((pixel, index) => close(pixel, [0.5, 0, 1, 0.25][index], 1e-6));
  change(portrait, [2, 2], { degrees: 360 }).forEach((pixel, index) => close(pixel, portrait[index], 1e-6));
});

test("zoom 2 draws each pixel of the middle over two", () => {
  const ramp = Float32Array.from({ length: 9 }, (_, index) => index / 8);
  change(ramp, [1, 9], { zoom: 2 }).forEach((pixel, index) => close(pixel, 0.5 + (index - 4) / 16, 1e-6));
  change(ramp, [1, 9], { zoom: 0.5 }).forEach((pixel, index) => {
    close(pixel, Math.min(1, Math.max(0, 0.5 + (index - 4) / 4)), 1e-6);
  });
});

test("the move comes after zoom and turn: dx are pixels of the result", () => {
  for (const { size, portrait } of faces()) {
    const turned = change(portrait, size, { degrees: 30, zoom: 2 });
    const both = change(portrait, size, { degrees: 30, zoom: 2, dx: 1 });
    for (let index = 0; index < portrait.length; index++) {
      if (index % size[1] > 0) close(both[index], turned[index - 1], 1e-6);
    }
  }
});

test("a blur keeps what is even, and about keeps the mean of what is not", () => {
  const even = new Float32Array(11 * 13).fill(0.3);
  change(even, [11, 13], { blur: 2.5 }).forEach((pixel) => close(pixel, 0.3, 1e-6));
  const dot = new Float32Array(64 * 64);
  dot[32 * 64 + 32] = 1;
  const blurred = change(dot, [64, 64], { blur: 1.5 });
  close(
    blurred.reduce((sum, pixel) => sum + pixel, 0),
    1,
    1e-5,
  );
  close(blurred[32 * 64 + 32] / blurred[32 * 64 + 35], Math.exp(0.5 * (3 / 1.5) ** 2), 1e-5);
});

test("a square takes the mean grey and is clipped to the face", () => {
  const portrait = face([11, 13], numbers(3));
  for (const occluder of [
    { row: 9, column: -1, side: 3 },
    { row: -2, column: 11, side: 5 },
    { row: 4, column: 6, side: 2 },
  ]) {
    const covers = (/** @type {number} */ place, /** @type {number} */ corner) =>
      place >= corner && place < corner + occluder.side;
    change(portrait, [11, 13], { occluder }).forEach((pixel, index) => {
      const covered = covers(Math.floor(index / 13), occluder.row) && covers(index % 13, occluder.column);
      close(pixel, covered ? mean(portrait) : portrait[index], covered ? 1e-6 : 0);
    });
  }
});

test("a stroke paints the pixels whose centre its disc holds", () => {
  const black = new Float32Array(11 * 13);
  const [row, column, radius] = [4.3, 11.6, 3.2];
  const strokes = [
    { row, column, radius, value: 0.5 },
    { row: 0, column: 0, radius: 0, value: 1 },
  ];
  change(black, [11, 13], { strokes }).forEach((pixel, index) => {
    const within = Math.hypot(Math.floor(index / 13) - row, (index % 13) - column) <= radius;
    assert.equal(pixel, index === 0 ? 1 : within ? 0.5 : 0);
  });
});

test("a picture of the face's size is the face", () => {
  const values = [0, 51, 102, 153, 204, 255];
  fromPicture(picture(3, 2, greys(values)), [2, 3]).forEach((pixel, index) => close(pixel, values[index] / 255, 1e-6));
});

test("a picture is cut in the middle and averaged by area", () => {
  const wide = picture(6, 2, greys([255, 0, 100, 50, 0, 255, 255, 20, 0, 10, 40, 255]));
  const [left, right] = fromPicture(wide, [1, 2]);
  close(left, (0 + 100 + 20 + 0) / 4 / 255, 1e-6);
  close(right, (50 + 0 + 10 + 40) / 4 / 255, 1e-6);
  const thirds = fromPicture(picture(3, 3, greys([0, 30, 60, 0, 30, 60, 0, 30, 60])), [2, 2]);
  [10, 50, 10, 50].forEach((value, index) => close(thirds[index], value / 255, 1e-6)); // one pixel and a half each
});

test("grey is luma, and what is transparent is white", () => {
  const colours = [
    [255, 0, 0, 255],
    [0, 255, 0, 255],
    [0, 0, 255, 255],
    [0, 0, 0, 0],
    [255, 0, 0, 51],
  ];
  const expected = [0.299, 0.587, 0.114, 1, 0.2 * 0.299 + 0.8];
  fromPicture(picture(5, 1, colours), [1, 5]).forEach((pixel, index) => close(pixel, expected[index], 1e-6));
});

test("pictures of any size fill every pixel", () => {
  for (const [width, height] of [
    [1, 1],
    [7, 3],
    [97, 61],
    [640, 480],
    [33, 333],
  ]) {
    const white = picture(width, height, []);
    white.data = new Uint8ClampedArray(4 * width * height).fill(255);
    for (const size of /** @type {[number, number][]} */ ([
      [64, 64],
      [11, 13],
      [112, 92],
    ])) {
      fromPicture(white, size).forEach((pixel) => close(pixel, 1, 1e-6, `${width}x${height} to ${size}`));
    }
  }
});
