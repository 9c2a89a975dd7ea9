/** The microscope: one number of a convolution's map, with every product that went into it. */

import { html, useMemo } from "preact-htm";
import { convolutionAt } from "loupe/network";
import { largest, passOfPin } from "loupe/study";
import { Heat, Ramp, within } from "loupe/views/map";
import { Numbers, Switch } from "loupe/views/parts";
import { number, place, signed, strongest } from "loupe/words";

export function MicroscopeView({ loupe }) {
  const { study, state, cnn, cell } = loupe;
  const pin = state.pin && { ...within(state.pin, cnn.network.filters, cnn.network.map), face: state.pin.face };
  const here = convolutionAt(cnn.network, cnn.pass, cell.filter, cell.row, cell.column);
  const there =
    pin && convolutionAt(cnn.network, passOfPin(study, state, cnn, pin.face), pin.filter, pin.row, pin.column);
  const limit = Math.max(largest(here.products), there ? largest(there.products) : 0);
  const inputs = Math.max(1, largest(cnn.pass.input));
  return html`<${Maps} loupe=${loupe} pin=${pin} />
    <div class="lenses">
      <${Lens} title=${`Under the cursor: filter ${cell.filter + 1}, ${place(cell.row, cell.column)}`} at=${here}
        network=${cnn.network} limit=${limit} inputs=${inputs} />
      ${
        there
          ? html`<${Lens} title=${titleOfPin(pin, state)} at=${there} network=${cnn.network} limit=${limit}
          inputs=${inputs} />`
          : html`<p class="hint pin-hint">
              Pin this cell (Enter or a click on a map), then move on, choose another filter or
          another face: both stand side by side.</p>`
      }
    </div>
    <div class="row"><button type="button" onClick=${() => loupe.update(pinCell(cell.filter))}>Pin this cell</button>
      <button type="button" disabled=${!pin} onClick=${() => loupe.update({ pin: null })}>Unpin</button>
      <span class="sum">${
        there &&
        html`Here less pinned: ${signed(here.value)} − (${signed(there.value)}) = <b>
        ${signed(here.value - there.value)}</b>`
      }</span></div>`;
}

function titleOfPin({ filter, row, column, face }, state) {
  return `Pinned: filter ${filter + 1}, ${place(row, column)}${face === state.face ? "" : `, face ${face + 1}`}`;
}

const pinCell = (filter) => (state) => ({ pin: { ...state.cell, filter, face: state.face } });

function Maps({ loupe, pin }) {
  const { state, cnn, cell, update } = loupe;
  const { network, survey } = cnn;
  return html`<div class="row spread">
      <${Switch} legend="The convolution's maps" name="loupe-relu" options=${[
        ["before", "Before the ReLU"],
        ["after", "After the ReLU"],
      ]} value=${state.rectified ? "after" : "before"} onChange=${(when) => update({ rectified: when === "after" })} />
      <${Ramp} limit=${survey.conv} unit="activation" rectified=${state.rectified} />
    </div>
    <div class="maps">${Array.from(
      { length: network.filters },
      (_, filter) => html`<${FilterMap} key=${filter}
      loupe=${loupe} filter=${filter} cell=${cell} pin=${pin} />`,
    )}</div>`;
}

function FilterMap({ loupe: { state, cnn, update }, filter, cell, pin }) {
  const { network, pass, survey } = cnn;
  const dead = survey.dead.conv[filter];
  const scale = { kind: "diverging", limit: survey.conv, rectified: state.rectified };
  const marks =
    pin?.filter === filter && pin.face === state.face ? [{ ...pin, rows: 1, columns: 1, kind: "pinned" }] : [];
  const values = `${network.map.join(" by ")} values ${state.rectified ? "after" : "before"} the ReLU`;
  const label = `Filter ${filter + 1}${dead ? ", silent for every face" : ""}, ${values}. Enter pins.`;
  return html`<figure class="panel-map"><${Heat} values=${pass.conv} offset=${filter * network.map[0] * network.map[1]}
    shape=${network.map} scale=${scale} label=${label} dead=${dead && state.rectified} marks=${marks}
      cursor=${filter === cell.filter ? cell : { row: cell.row, column: cell.column, quiet: true }}
      onMove=${(to) => update({ cell: { filter, ...to } })} onPin=${() => update(pinCell(filter))} />
    <figcaption><${Kernel} network=${network} filter=${filter} /><span>Filter ${filter + 1}<br />
      ${dead ? "silent for every face" : `bias ${signed(network.weights["conv.bias"][filter])}`}</span></figcaption>
      </figure>`;
}

/** A filter's kernel, on the scale of all filters of the network. */
export function Kernel({ network, filter }) {
  const weights = network.weights["conv.weight"];
  const limit = useMemo(() => largest(weights), [weights]);
  const [rows, columns] = network.kernel;
  return html`<${Heat} class="kernel" values=${weights} offset=${filter * rows * columns} shape=${network.kernel}
    scale=${{ kind: "diverging", limit }} label=${`Kernel of filter ${filter + 1}, ${rows} by ${columns} weights`} />`;
}

function Lens({ title, at, network, limit, inputs }) {
  const shape = network.kernel;
  const weights = network.weights["conv.weight"];
  const weight = useMemo(() => largest(weights), [weights]);
  const patch = network.mean ? { kind: "diverging", limit: inputs } : { kind: "photograph" };
  return html`<section class="lens"><h3>${title}</h3>
    <div class="product">
      <figure><${Heat} values=${at.patch} shape=${shape} scale=${patch} label="Patch of the face" />
        <figcaption>patch</figcaption></figure><span aria-hidden="true">×</span>
      <figure><${Heat} values=${at.kernel} shape=${shape} scale=${{ kind: "diverging", limit: weight }}
        label="Kernel" /><figcaption>kernel</figcaption></figure><span aria-hidden="true">=</span>
      <figure><${Heat} values=${at.products} shape=${shape} scale=${{ kind: "diverging", limit }} label="Products" />
        <figcaption>${at.products.length} products</figcaption></figure>
    </div>
    <p class="sum">Σ ${signed(at.sum)} ${at.bias < 0 ? "−" : "+"} bias ${number(Math.abs(at.bias))} = <b>
      ${signed(at.value)}</b> → ReLU → <b>${number(at.relu)}</b></p>
    <${Terms} at=${at} columns=${shape[1]} centred=${network.mean !== 0} />
    <${Numbers} caption="Every pixel, weight and product of the patch"
      head=${["Row, column", centredName(network), "Weight", "Product"]}
      rows=${() => productRows(at, shape)} />
  </section>`;
}

function productRows({ patch, kernel, products }, [, columns]) {
  const where = (index) => `${Math.floor(index / columns) + 1}, ${(index % columns) + 1}`;
  const row = (product, index) => [where(index), number(patch[index], 4), signed(kernel[index], 4), signed(product, 4)];
  return Array.from(products, row);
}

const centredName = ({ mean }) => (mean ? "Pixel less the mean" : "Pixel");

/** The largest products in words. */
function Terms({ at, columns, centred }) {
  return html`<p
    class="terms-title">The five largest products: ${centred ? "pixel less the mean" : "pixel"} × weight</p>
    <ol class="terms">${strongest(at.products, 5).map(
      (index) => html`<li><span>
    ${place(Math.floor(index / columns), index % columns)}</span><span>
    ${number(at.patch[index])} × ${signed(at.kernel[index])} = <b>${signed(at.products[index], 3)}</b></span></li>`,
    )}
    </ol>`;
}
