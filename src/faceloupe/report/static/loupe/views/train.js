/** Train here: the same training, in the page, with settings of one's own. */

import { html } from "preact-htm";
import { checkedSettings } from "loupe/store";
import { Switch } from "loupe/views/parts";
import { Curves, LN2, lossTop } from "loupe/views/curves";
import { count, kindName, verdict } from "loupe/words";

export function TrainView({ loupe }) {
  const { study, state, update } = loupe;
  const { settings, run } = state;
  const set = (part) => update(({ settings: before }) => ({ settings: checkedSettings({ ...before, ...part }) }));
  const kinds = Object.keys(study.kinds).map((kind) => [kind, kindName(kind)]);
  return html`<form class="train" onSubmit=${(event) => {
    event.preventDefault();
    loupe.train();
  }}>
      <${Switch} legend="Network" name="loupe-kind" options=${kinds} value=${settings.kind}
        onChange=${(kind) => set({ kind })} />
      <${Switch} legend="Pixels" name="loupe-preprocess" options=${[
        ["none", "As they are"],
        ["centre", "Mean subtracted"],
      ]} value=${settings.preprocess} onChange=${(preprocess) => set({ preprocess })} />
      <${Entry} label="Learning rate" value=${settings.rate} min="0.00001" max="1" step="any"
        onChange=${(rate) => set({ rate })} />
      <${Entry} label="Epochs" value=${settings.epochs} min="1" max="200" step="1"
        onChange=${(epochs) => set({ epochs })} />
      <${Entry} label="Seed" value=${settings.seed} min="0" max="2147483647" step="1"
        onChange=${(seed) => set({ seed })} />
      <div class="row"><button type="submit" class="main" disabled=${Boolean(run)}>Train</button>
        <button type="button" disabled=${!run} onClick=${loupe.stop}>Stop</button>
        <progress max="1" value=${progress(run, state.own[settings.kind])} aria-label="Progress of the training">
          </progress></div>
    </form>
    <${Course} loupe=${loupe} />`;
}

const progress = (run, own) => (run ? run.done / run.batches : own ? 1 : 0);

function Entry({ label, value, onChange, ...limits }) {
  return html`<label class="entry"><span>${label}</span><input type="number" value=${value} ...${limits}
    onChange=${(event) => onChange(Number(event.target.value))} /></label>`;
}

/** The loss as it falls, or does not, and in the end what it came to. */
function Course({ loupe: { study, state, bench } }) {
  const { run, settings } = state;
  const own = state.own[run?.kind ?? settings.kind];
  const history = run?.history ?? own?.history ?? { loss: [], accuracy: [], dead: [] };
  const kind = run?.kind ?? own?.kind ?? settings.kind;
  const epochs = run?.epochs ?? own?.history.epochs ?? settings.epochs;
  const series = (name) => [{ kind, values: history[name] }];
  const slot = bench.slots.find(({ entry }) => entry === own);
  return html`<div class="charts"><${Curves} title="Training loss" series=${series("loss")} epochs=${epochs}
    most=${lossTop(series("loss"))} reference=${LN2} />
      <${Curves} title="Silent hidden units"
        series=${[{ kind, values: history.dead.map(({ hidden }) => hidden.filter(Boolean).length) }]} epochs=${epochs}
        most=${history.dead[0]?.hidden.length ?? 4} /></div>
    <p class="verdict-line" role="status">
      ${run && progressWords(history, epochs)}
      ${!run && slot && verdict({ ...slot, history, fit: own.fits[0] })}
      ${
        !run &&
        !slot &&
        html`Trains on ${count(study.trained.length, "face")} in this page, in a moment; then it stands
        on the bench and every view shows it.`
      }</p>`;
}

function progressWords(history, epochs) {
  return `Training: epoch ${Math.min(history.loss.length + 1, epochs)} of ${epochs}, ${silentNow(history)}`;
}

function silentNow({ dead }) {
  const last = dead.at(-1);
  if (!last) return "none yet done.";
  const filters = last.conv.length
    ? ` and ${last.conv.filter(Boolean).length} of ${count(last.conv.length, "filter")}`
    : "";
  return `${last.hidden.filter(Boolean).length} of ${count(last.hidden.length, "hidden unit")}${filters} silent.`;
}
