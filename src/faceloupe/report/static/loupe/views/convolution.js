/**
 * A convolution that moves: a kernel slides over the face and its map fills; then a pooling window over the map.
 *
 * @typedef {import("loupe/views/app").Loupe} Loupe
 * @typedef {import("loupe/kernels").Kernel} Kernel
 * @typedef {import("loupe/layers").Pair} Pair
 * @typedef {import("loupe/layers").Numbers} Numbers
 * @typedef {import("loupe/network").Network} Network
 * @typedef {import("loupe/views/map").Place} Place
 *
 * @typedef {object} Pane  What slides over what.
 * @property {Numbers} input
 * @property {Pair} from  Rows and columns of the input.
 * @property {Numbers} output
 * @property {Pair} to
 * @property {Pair} window
 * @property {Pair} stride
 */

import { html, useEffect, useMemo, useRef, useState } from "preact-htm";
import { KERNELS, gabor } from "loupe/kernels";
import { area, run } from "loupe/layers";
import { clamp } from "loupe/store";
import { largest } from "loupe/study";
import { Heat, Ramp } from "loupe/views/map";
import { Pick, Slider, Switch, valueOf } from "loupe/views/parts";
import { scopeOf } from "loupe/views/scope";
import { number, place, signed } from "loupe/words";

/** Numbers a second at each pace; a row at a time where it is "rows". @type {Record<string, [string, number]>} */
const PACES = { slow: ["Slow", 3], steady: ["Steady", 15], fast: ["Fast", 150], rows: ["By rows", 600] };
const POOL = 4;

/** @param {{loupe: Loupe}} props */
export function ConvolutionView({ loupe }) {
  const { bench, study } = loupe;
  const network = scopeOf(loupe, "convolution")?.slot.network;
  return html`<${Sliding} id="loupe" face=${bench.face} size=${study.size} network=${network} />`;
}

/**
 * @param {object} props
 * @param {string} props.id  Its own on the page.
 * @param {Float32Array} props.face  Pixels in [0, 1].
 * @param {Pair} props.size
 * @param {Network} [props.network]  Whose first convolution's kernels can be chosen too.
 * @param {unknown} [props.pick]  Another choice, to stand beside that of the kernel.
 */
export function Sliding({ id, face, size, network, pick }) {
  const learned = useMemo(() => learnedKernels(network), [network]);
  const [key, setKey] = useState(Object.keys(learned)[0] ?? "upright");
  const [degrees, setDegrees] = useState(45);
  const [own, setOwn] = useState(KERNELS.sharpen);
  const [stride, setStride] = useState(1);
  const [rectified, setRectified] = useState(false);
  const [stage, setStage] = useState("convolution");
  const [at, setAt] = useState(0);
  const kernel = kernelOf(key, learned, degrees, own);
  const pane = useMemo(() => {
    const convolved = convolve(face, size, kernel, stride, key in learned ? network : undefined, rectified);
    return stage === "pooling" ? pool(convolved) : convolved;
  }, [face, kernel, stride, rectified, stage]);
  const last = area(pane.to) - 1;
  const here = Math.min(at, last);
  const still = useStillness();
  const [playing, play, pace, setPace] = usePlaying(here, last, pane.to[1], setAt);
  const go = (/** @type {number} */ to) => {
    play(false);
    setAt(clamp(to, 0, last));
  };
  const choose = (/** @type {string} */ to) => {
    if (to === "own" && area(kernel.size) <= 25) setOwn({ ...kernel, name: "Your own", taps: kernel.taps.slice() });
    setKey(to);
  };
  const names = [
    ...Object.entries({ ...learned, ...KERNELS }).map(([name, one]) => [name, one.name]),
    ["gabor", "Gabor"],
    ["own", "Your own"],
  ];
  return html`<div class="sliding">
    <div class="row">
      <${Switch} legend="What slides" name=${`${id}-stage`} value=${stage}
        options=${[
          ["convolution", "A kernel over the face"],
          ["pooling", "Pooling over its map"],
        ]}
        onChange=${(/** @type {string} */ to) => (setStage(to), setAt(0), setRectified(to === "pooling" || rectified))}
          />
      <${Switch} legend="The map" name=${`${id}-relu`} value=${rectified ? "after" : "before"}
        options=${[
          ["before", "Before the ReLU"],
          ["after", "After the ReLU"],
        ]}
        onChange=${(/** @type {string} */ to) => setRectified(to === "after")} />
    </div>
    <div class="row">
      ${pick}
      <${Pick} label="Kernel" options=${names} value=${key} onChange=${choose} />
      ${
        key === "gabor" &&
        html`<${Slider} label="Direction" value=${degrees} range=${[0, 175, 5]} text=${`${degrees}°`}
            onInput=${setDegrees} />`
      }
      <${Slider} label="Stride" value=${stride} range=${[1, 8, 1]} text=${String(stride)}
        onInput=${(/** @type {number} */ to) => (setStride(to), setAt(0))} />
    </div>
    <p class="hint">${kernel.what}</p>
    ${key === "own" && html`<${Typed} kernel=${own} onChange=${setOwn} />`}
    <${Panes} pane=${pane} stage=${stage} kernel=${kernel} at=${here} rectified=${rectified} onGo=${go} />
    <${Transport} at=${here} last=${last} columns=${pane.to[1]} playing=${playing} onPlay=${play} onGo=${go}
      still=${still} pace=${pace} onPace=${setPace} />
    <p class="said" role="status">${playing ? "" : sentence(pane, stage, kernel, here, rectified)}</p>
  </div>`;
}

/** @param {Network | undefined} network @returns {Record<string, Kernel>} */
function learnedKernels(network) {
  const layer = network?.layers.find(({ kind }) => kind === "convolution");
  if (!network || layer?.kind !== "convolution" || layer.input[0] !== 1) return {};
  const taps = area(layer.kernel);
  return Object.fromEntries(
    Array.from({ length: layer.output[0] }, (_, filter) => [
      `filter${filter}`,
      {
        name: `Filter ${filter + 1} of the network`,
        size: layer.kernel,
        taps: network.weights[`${layer.name}.weight`].slice(filter * taps, (filter + 1) * taps),
        bias: network.weights[`${layer.name}.bias`]?.[filter] ?? 0,
        what: "As the network has it after training: its numbers came out of the random start and the gradients.",
      },
    ]),
  );
}

/** @param {string} key @param {Record<string, Kernel>} learned @param {number} degrees @param {Kernel} own */
function kernelOf(key, learned, degrees, own) {
  const angle = key === "gabor" ? degrees : 0;
  const turned = useMemo(() => gabor(angle), [angle]);
  if (key === "gabor") return turned;
  return key === "own" ? own : (learned[key] ?? KERNELS[key] ?? KERNELS.upright);
}

/**
 * @param {Float32Array} face @param {Pair} size @param {Kernel} kernel @param {number} stride
 * @param {Network | undefined} network  Whose preprocessing the kernel is used to.
 * @param {boolean} rectified
 * @returns {Pane}
 */
function convolve(face, [rows, columns], { size, taps, bias }, stride, network, rectified) {
  const { mean = 0, scale = 1 } = network ?? {};
  const input = mean || scale !== 1 ? face.map((pixel) => (pixel - mean) / scale) : face;
  const window = /** @type {Pair} */ ([Math.min(size[0], rows), Math.min(size[1], columns)]);
  const to = /** @type {Pair} */ ([rows, columns].map((side, axis) => Math.floor((side - window[axis]) / stride) + 1));
  const layer = /** @type {const} */ ({
    kind: "convolution",
    name: "kernel",
    input: [1, rows, columns],
    output: [1, ...to],
    kernel: window,
    stride: [stride, stride],
    padding: [0, 0],
  });
  const weights = { "kernel.weight": taps, "kernel.bias": Float32Array.of(bias) };
  const { output } = run(
    { ...layer, input: [...layer.input], output: [...layer.output], stride: [stride, stride], padding: [0, 0] },
    weights,
    input,
  );
  return {
    input,
    from: [rows, columns],
    output: rectified ? output.map((value) => Math.max(value, 0)) : output,
    to,
    window,
    stride: [stride, stride],
  };
}

/** @param {Pane} convolved @returns {Pane} */
function pool({ output: input, to: from }) {
  const window = /** @type {Pair} */ ([Math.min(POOL, from[0]), Math.min(POOL, from[1])]);
  const to = /** @type {Pair} */ (from.map((side, axis) => Math.floor(side / window[axis])));
  const { output } = run(
    {
      kind: "pooling",
      name: "pool",
      input: [1, ...from],
      output: [1, ...to],
      size: window,
      stride: window,
      average: false,
    },
    {},
    input,
  );
  return { input, from, output, to, window, stride: window };
}

/** Where the window lies for a number of the output. @param {Pane} pane @param {number} at */
function windowAt({ to, window, stride }, at) {
  const [row, column] = [Math.floor(at / to[1]), at % to[1]];
  return { row, column, top: row * stride[0], left: column * stride[1], rows: window[0], columns: window[1] };
}

/** The numbers under the window. @param {Pane} pane @param {number} at */
function patchAt(pane, at) {
  const { top, left, rows, columns } = windowAt(pane, at);
  return new Float32Array(rows * columns).map(
    (_, index) => pane.input[(top + Math.floor(index / columns)) * pane.from[1] + left + (index % columns)],
  );
}

/**
 *
 * @param {{pane: Pane, stage: string, kernel: Kernel, at: number, rectified: boolean,
 *   onGo: (to: number) => void}} props
 */
function Panes({ pane, stage, kernel, at, rectified, onGo }) {
  const { top, left, rows, columns, row, column } = windowAt(pane, at);
  const patch = patchAt(pane, at);
  const pooling = stage === "pooling";
  const limit = Math.max(largest(pane.output), 1e-6);
  const inputs = Math.max(largest(pane.input), 1e-6);
  const raw = !pooling && pane.input.every((value) => value >= 0);
  const scale = raw ? { kind: "photograph" } : { kind: "diverging", limit: inputs };
  const onInput = (/** @type {Place} */ { row: y, column: x }) =>
    onGo(
      clamp(Math.round((y - rows / 2) / pane.stride[0]), 0, pane.to[0] - 1) * pane.to[1] +
        clamp(Math.round((x - columns / 2) / pane.stride[1]), 0, pane.to[1] - 1),
    );
  const what = pooling ? "the map that the kernel made" : raw ? "the face" : "the face less the mean";
  return html`<div class="panes">
    <figure><${Heat} class="aim" values=${pane.input} shape=${pane.from} scale=${scale} held=${true}
      label=${`${pooling ? "The map" : "The face"}, with the window on it; arrow keys move it`}
      marks=${[{ row: top, column: left, rows, columns, kind: "patch" }]}
      cursor=${{ row: top + (rows >> 1), column: left + (columns >> 1) }}
      onMove=${onInput} /><figcaption>${what}, ${pane.from.join(" × ")}</figcaption></figure>
    <div class="between">
      ${
        pooling
          ? html`<${Largest} patch=${patch} shape=${[rows, columns]} limit=${inputs} />`
          : html`
          <${Products} patch=${patch} kernel=${kernel} scale=${scale} />`
      }</div>
    <figure><${Heat} values=${pane.output} shape=${pane.to} scale=${{ kind: "diverging", limit }} upTo=${at + 1}
      label=${`The result, ${pane.to.join(" by ")} numbers, filled up to the cursor; arrow keys move it`}
      cursor=${{ row, column }} held=${true}
      onMove=${(/** @type {Place} */ to) => onGo(to.row * pane.to[1] + to.column)} />
      <figcaption>the result, ${pane.to.join(" × ")}
        ${pooling ? "" : rectified ? ", after the ReLU" : ", before the ReLU"}</figcaption>
      <${Ramp} limit=${limit} unit="" rectified=${rectified} /></figure>
  </div>`;
}

/** Patch × kernel = products. @param {{patch: Float32Array, kernel: Kernel, scale: object}} props */
function Products({ patch, kernel, scale }) {
  const products = patch.map((value, index) => value * kernel.taps[index]);
  const diverging = (/** @type {Float32Array} */ values) => ({
    kind: "diverging",
    limit: Math.max(largest(values), 1e-6),
  });
  const sum = products.reduce((before, product) => before + product, 0);
  return html`<div class="product">
      <figure><${Heat} values=${patch} shape=${kernel.size} scale=${scale} label="Patch under the kernel" />
        <figcaption>patch</figcaption></figure><span aria-hidden="true">×</span>
      <figure><${Heat} values=${kernel.taps} shape=${kernel.size} scale=${diverging(kernel.taps)} label="Kernel" />
        <figcaption>kernel</figcaption></figure><span aria-hidden="true">=</span>
      <figure><${Heat} values=${products} shape=${kernel.size} scale=${diverging(products)} label="Products" />
        <figcaption>${products.length} products</figcaption></figure></div>
    <p class="sum">Σ ${signed(sum)}
      ${kernel.bias ? ` + bias ${signed(kernel.bias)}` : ""} = <b>${signed(sum + kernel.bias)}</b></p>`;
}

/** @param {{patch: Float32Array, shape: Pair, limit: number}} props */
function Largest({ patch, shape, limit }) {
  const winner = patch.indexOf(Math.max(...patch));
  const mark = { row: Math.floor(winner / shape[1]), column: winner % shape[1], rows: 1, columns: 1, kind: "winner" };
  return html`<div class="product single">
      <figure><${Heat} values=${patch} shape=${shape} scale=${{ kind: "diverging", limit }}
      marks=${[mark]} label="Window" /><figcaption>${patch.length} values; the largest is framed</figcaption></figure>
      </div>
    <p class="sum">maximum = <b>${number(patch[winner])}</b></p>`;
}

/** A kernel as a grid of numbers to type in. @param {{kernel: Kernel, onChange: (kernel: Kernel) => void}} props */
function Typed({ kernel, onChange }) {
  const [rows, columns] = kernel.size;
  const set = (/** @type {number} */ index, /** @type {number} */ value) =>
    Number.isFinite(value) &&
    onChange({ ...kernel, what: "Your own numbers.", taps: kernel.taps.with(index, clamp(value, -99, 99)) });
  return html`<div class="typed" role="group" aria-label="Your kernel" style=${{ "--columns": columns }}>
    ${Array.from(
      { length: rows * columns },
      (
        _,
        index,
      ) => html`<input type="number" step="any" aria-label=${place(Math.floor(index / columns), index % columns)}
        value=${Number(kernel.taps[index].toFixed(3))}
        onInput=${(/** @type {Event} */ event) => set(index, Number.parseFloat(valueOf(event)))} />`,
    )}</div>`;
}

/**
 * @param {{at: number, last: number, columns: number, playing: boolean, onPlay: (playing: boolean) => void,
 *   onGo: (to: number) => void, still: boolean, pace: string, onPace: (pace: string) => void}} props
 */
function Transport({ at, last, columns, playing, onPlay, onGo, still, pace, onPace }) {
  const text = `${at + 1} of ${last + 1}`;
  return html`<div class="row transport">
    <button type="button" class="square" aria-label="To the start" disabled=${at === 0} onClick=${() => onGo(0)}>
      <span aria-hidden="true">|◀</span></button>
    <button type="button" class="square" aria-label="One step back" disabled=${at === 0} onClick=${() => onGo(at - 1)}>
      <span aria-hidden="true">◀</span></button>
    ${
      !still &&
      html`<button type="button" class="play" onClick=${() => onPlay(!playing)}>${playing ? "Pause" : "Play"}
        </button>`
    }
    <button type="button" class="square" aria-label="One step on" disabled=${at === last} onClick=${() => onGo(at + 1)}>
      <span aria-hidden="true">▶</span></button>
    <button type="button" disabled=${at === last}
      onClick=${() => onGo(Math.min(last, (Math.floor(at / columns) + 1) * columns + columns - 1))}>Next row</button>
    <button type="button" disabled=${at === last} onClick=${() => onGo(last)}>All</button>
    <label class="slider"><span>Number</span><input type="range" min="0" max=${last} value=${at} aria-valuetext=${text}
      onInput=${(/** @type {Event} */ event) => onGo(Number(valueOf(event)))} /><output>${text}</output></label>
    ${
      still
        ? html`<p class="hint">Your settings ask for little motion, so nothing plays by itself here.</p>`
        : html`<${Pick} label="Pace" value=${pace} onChange=${onPace}
            options=${Object.entries(PACES).map(([name, [label]]) => [name, label])} />`
    }
  </div>`;
}

/** Whether the reader asked for little motion. */
export function useStillness() {
  const query = useMemo(() => matchMedia("(prefers-reduced-motion: reduce)"), []);
  const [still, setStill] = useState(query.matches);
  useEffect(() => {
    const change = () => setStill(query.matches);
    query.addEventListener("change", change);
    return () => query.removeEventListener("change", change);
  }, [query]);
  return still;
}

/**
 * Go on by itself while it plays, at a pace.
 *
 * @param {number} at @param {number} last @param {number} columns @param {(at: number) => void} setAt
 * @returns {[boolean, (playing: boolean) => void, string, (pace: string) => void]}
 */
function usePlaying(at, last, columns, setAt) {
  const [playing, setPlaying] = useState(false);
  const [pace, setPace] = useState("steady");
  const now = useRef(at);
  now.current = at;
  useEffect(() => {
    if (!playing) return undefined;
    let before = performance.now();
    let frame = requestAnimationFrame(function tick(time) {
      const step = pace === "rows" ? columns : 1;
      const steps = Math.floor(((time - before) / 1000) * (PACES[pace][1] / step));
      if (steps > 0) {
        before = time;
        const next = Math.min(last, now.current + steps * step);
        setAt(next);
        if (next === last) return setPlaying(false);
      }
      frame = requestAnimationFrame(tick);
      return undefined;
    });
    return () => cancelAnimationFrame(frame);
  }, [playing, pace, last, columns]);
  const play = (/** @type {boolean} */ on) => {
    if (on && now.current >= last) setAt(0);
    setPlaying(on);
  };
  return [playing, play, pace, setPace];
}

/** @param {Pane} pane @param {string} stage @param {Kernel} kernel @param {number} at @param {boolean} rectified */
function sentence(pane, stage, kernel, at, rectified) {
  const { row, column } = windowAt(pane, at);
  const where = place(row, column);
  if (stage === "pooling")
    return `${where}: the largest of ${area(pane.window)} numbers is ${number(pane.output[at])}.`;
  const products = patchAt(pane, at).map((value, index) => value * kernel.taps[index]);
  const sum = products.reduce((before, product) => before + product, kernel.bias);
  const relu = rectified ? `; after the ReLU ${number(Math.max(sum, 0))}` : "";
  const said = `${where}: ${products.length} products and the bias sum to ${signed(sum)}${relu}.`;
  return said[0].toUpperCase() + said.slice(1);
}
