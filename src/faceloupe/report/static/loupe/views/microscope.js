/**
 * The microscope: one number of a convolution's map, with every product that went into it.
 *
 * @typedef {import("loupe/views/app").Loupe} Loupe
 * @typedef {import("loupe/views/scope").Scope} Scope
 * @typedef {import("loupe/store").Cell} Cell
 * @typedef {import("loupe/cells").ConvolutionCell} ConvolutionCell
 * @typedef {import("loupe/layers").Convolution} Convolution
 */

import { html, useMemo } from "preact-htm";
import { convolutionAt } from "loupe/cells";
import { activate, area } from "loupe/layers";
import { largest, passOfPin } from "loupe/study";
import { Heat, Ramp, within } from "loupe/views/map";
import { Numbers, Switch } from "loupe/views/parts";
import { ScopeChoice, activationAfter, isSilent, moverOn, scopeOf } from "loupe/views/scope";
import { activationName, faceName, number, place, signed, strongest } from "loupe/words";

/** @param {{loupe: Loupe}} props */
export function MicroscopeView({ loupe }) {
  const scope = scopeOf(loupe, "convolution");
  if (!scope || scope.layer.kind !== "convolution") return null;
  const { study, state, update } = loupe;
  const { slot, index, cell, channels, shape } = scope;
  const pin = state.pin && { ...within(state.pin, channels, shape), face: state.pin.face };
  const here = convolutionAt(slot.network, slot.pass, index, cell.filter, cell.row, cell.column);
  const there =
    pin && convolutionAt(slot.network, passOfPin(study, state, slot, pin.face), index, pin.filter, pin.row, pin.column);
  const limit = Math.max(largest(here.products), there ? largest(there.products) : 0);
  const title = `Under the cursor: filter ${cell.filter + 1}, ${place(cell.row, cell.column)}`;
  const pinCell = () => update((now) => ({ pin: { ...cell, face: now.face } }));
  return html`<${ScopeChoice} loupe=${loupe} scope=${scope} />
    <${Maps} loupe=${loupe} scope=${scope} pin=${pin} onPin=${pinCell} />
    <div class="lenses">
      <${Lens} title=${title} at=${here} scope=${scope} limit=${limit} />
      ${
        there && pin
          ? html`<${Lens} title=${titleOfPin(study, pin, state)} at=${there} scope=${scope} limit=${limit} />`
          : html`<p class="hint pin-hint">
                Pin this cell (Enter or a click on a map), then move on, choose another filter or
          another face: both stand side by side.</p>`
      }
    </div>
    <div class="row"><button type="button" onClick=${pinCell}>Pin this cell</button>
      <button type="button" disabled=${!pin} onClick=${() => update({ pin: null })}>Unpin</button>
      <span class="sum">${
        there &&
        html`Here less pinned: ${signed(here.value)} − (${signed(there.value)}) = <b>
        ${signed(here.value - there.value)}</b>`
      }</span></div>`;
}

/** @param {Loupe["study"]} study @param {Cell & {face: number}} pin @param {Loupe["state"]} state */
function titleOfPin(study, { filter, row, column, face }, state) {
  const whose = face === state.face ? "" : `, ${faceName(study, face)}`;
  return `Pinned: filter ${filter + 1}, ${place(row, column)}${whose}`;
}

/** @param {{loupe: Loupe, scope: Scope, pin: (Cell & {face: number}) | null, onPin: () => void}} props */
function Maps({ loupe, scope, pin, onPin }) {
  const { state, update } = loupe;
  const { slot, index, channels } = scope;
  const activation = activationAfter(slot.network, index);
  const name = activation < 0 ? "" : activationName(slot.network.layers[activation]);
  const shown = state.rectified && activation >= 0 ? activation : index;
  const options = [
    ["before", `Before the ${name}`],
    ["after", `After the ${name}`],
  ];
  return html`<div class="row spread">
      ${
        name &&
        html`<${Switch} legend="The convolution's maps" name="loupe-relu" options=${options}
        value=${state.rectified ? "after" : "before"}
        onChange=${(/** @type {string} */ when) => update({ rectified: when === "after" })} />`
      }
      <${Ramp} limit=${slot.survey.limits[index]} unit="activation" rectified=${shown !== index && name === "ReLU"} />
    </div>
    <div class=${channels > 8 ? "maps many" : "maps"}>${Array.from(
      { length: channels },
      (_, filter) => html`<${FilterMap} key=${filter} loupe=${loupe} scope=${scope} shown=${shown} filter=${filter}
      pin=${pin} onPin=${onPin} name=${name} />`,
    )}</div>`;
}

/**
 *
 * @param {{loupe: Loupe, scope: Scope, shown: number, filter: number, pin: (Cell & {face: number}) | null,
 *   onPin: () => void, name: string}} props
 */
function FilterMap({ loupe, scope, shown, filter, pin, onPin, name }) {
  const { slot, index, layer, cell, shape } = scope;
  const dead = isSilent(slot, index, filter);
  const scale = { kind: "diverging", limit: slot.survey.limits[index] };
  const marks =
    pin?.filter === filter && pin.face === loupe.state.face ? [{ ...pin, rows: 1, columns: 1, kind: "pinned" }] : [];
  const when = name && ` ${shown === index ? "before" : "after"} the ${name}`;
  const silent = dead ? ", silent for every face" : "";
  const label = `Filter ${filter + 1}${silent}, ${shape.join(" by ")} values${when}. Enter pins.`;
  const bias = slot.network.weights[`${layer.name}.bias`]?.[filter] ?? 0;
  return html`<figure class="panel-map"><${Heat} values=${slot.pass.outputs[shown]} offset=${filter * area(shape)}
    shape=${shape} scale=${scale} label=${label} dead=${dead && shown !== index} marks=${marks}
      cursor=${filter === cell.filter ? cell : { row: cell.row, column: cell.column, quiet: true }}
      onMove=${moverOn(loupe, scope, filter)}
      onPin=${onPin} />
    <figcaption><${Kernel} network=${slot.network} index=${index} filter=${filter} /><span>Filter ${filter + 1}<br />
      ${dead ? "silent for every face" : `bias ${signed(bias)}`}</span></figcaption></figure>`;
}

/**
 * A filter's kernel, on the scale of all filters of the layer; of several input channels the one with most weight.
 *
 * @param {{network: import("loupe/network").Network, index: number, filter: number}} props
 */
export function Kernel({ network, index, filter }) {
  const layer = /** @type {Convolution} */ (network.layers[index]);
  const weights = network.weights[`${layer.name}.weight`];
  const limit = useMemo(() => largest(weights), [weights]);
  const [rows, columns] = layer.kernel;
  const size = rows * columns * layer.input[0];
  return html`<${Heat} class="kernel" values=${weights} offset=${filter * size} shape=${layer.kernel}
    scale=${{ kind: "diverging", limit }} label=${`Kernel of filter ${filter + 1}, ${rows} by ${columns} weights`} />`;
}

/** @param {{title: string, at: ConvolutionCell, scope: Scope, limit: number}} props */
function Lens({ title, at, scope, limit }) {
  const { slot, index } = scope;
  const layer = /** @type {Convolution} */ (scope.layer);
  const weights = slot.network.weights[`${layer.name}.weight`];
  const weight = useMemo(() => largest(weights), [weights]);
  const [strong] = strongest(at.channels, 1);
  const size = area(layer.kernel);
  const part = (/** @type {Float32Array | Float64Array} */ values) =>
    values.subarray(strong * size, (strong + 1) * size);
  const raw = index === 0 && !slot.network.mean && slot.network.scale === 1;
  const before = index ? slot.survey.limits[index - 1] : Math.max(1, largest(slot.pass.input));
  const patch = raw ? { kind: "photograph" } : { kind: "diverging", limit: before };
  const products = { patch: part(at.patch), kernel: part(at.kernel), products: part(at.products) };
  const several = layer.input[0] > 1;
  return html`<section class="lens"><h3>${title}</h3>
    ${
      several &&
      html`
        <p class="hint">Of ${layer.input[0]} input channels, channel ${strong + 1} gave most; all are in the numbers.
        </p>`
    }
    <div class="product">
      <figure><${Heat} values=${products.patch} shape=${layer.kernel} scale=${patch} label="Patch of the input" />
        <figcaption>patch</figcaption></figure><span aria-hidden="true">×</span>
      <figure><${Heat} values=${products.kernel} shape=${layer.kernel} scale=${{ kind: "diverging", limit: weight }}
        label="Kernel" /><figcaption>kernel</figcaption></figure><span aria-hidden="true">=</span>
      <figure><${Heat} values=${products.products} shape=${layer.kernel} scale=${{ kind: "diverging", limit }}
          label="Products" />
        <figcaption>${size} products</figcaption></figure>
    </div>
    ${
      several &&
      html`<p class="sum">Channels: ${strongest(at.channels, 4)
        .map((channel) => `${channel + 1}: ${signed(at.channels[channel])}`)
        .join(", ")}${layer.input[0] > 4 ? " …" : ""}</p>`
    }
    <p class="sum">Σ ${signed(at.sum)} ${at.bias < 0 ? "−" : "+"} bias ${number(Math.abs(at.bias))} = <b>
      ${signed(at.value)}</b>${after(scope, at.value)}</p>
    <${Terms} products=${products} columns=${layer.kernel[1]} name=${inputName(scope)} />
    <${Numbers} caption="Every input, weight and product of the patch"
      head=${[several ? "Channel, row, column" : "Row, column", inputName(scope), "Weight", "Product"]}
      rows=${() => productRows(at, layer)} />
  </section>`;
}

/** What comes after the sum: the normalisation and the activation. @param {Scope} scope @param {number} value */
function after({ slot, index }, value) {
  const next = slot.network.layers[index + 1];
  if (next?.kind !== "activation") return "";
  return html` → ${activationName(next)} → <b>${number(activate(next, value))}</b>`;
}

/** @param {ConvolutionCell} at @param {Convolution} layer */
function productRows({ patch, kernel, products }, { kernel: [rows, columns], input }) {
  const where = (/** @type {number} */ index) => {
    const cell = `${(Math.floor(index / columns) % rows) + 1}, ${(index % columns) + 1}`;
    return input[0] > 1 ? `${Math.floor(index / (rows * columns)) + 1}, ${cell}` : cell;
  };
  return Array.from(products, (product, index) => [
    where(index),
    number(patch[index], 4),
    signed(kernel[index], 4),
    signed(product, 4),
  ]);
}

/** @param {Scope} scope */
const inputName = ({ slot: { network }, index }) => (index ? "Input" : network.mean ? "Pixel less the mean" : "Pixel");

/**
 * The largest products in words.
 *
 *
 * @param {{products: Record<"patch" | "kernel" | "products", ArrayLike<number>>, columns: number, name: string}} props
 */
function Terms({ products: { patch, kernel, products }, columns, name }) {
  return html`<p class="terms-title">The five largest products: ${name.toLowerCase()} × weight</p>
    <ol class="terms">${strongest(products, 5).map(
      (index) => html`<li><span>
    ${place(Math.floor(index / columns), index % columns)}</span><span>
    ${number(patch[index])} × ${signed(kernel[index])} = <b>${signed(products[index], 3)}</b></span></li>`,
    )}
    </ol>`;
}
