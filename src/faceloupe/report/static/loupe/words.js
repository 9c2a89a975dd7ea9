/** Numbers and findings in words. */

/** @param {number} value */
export const number = (value, digits = 3) => value.toFixed(digits).replace("-", "−");

/** A number with its sign; what rounds to zero has none. @param {number} value */
export function signed(value, digits = 3) {
  const text = number(value, digits);
  if (Number(value.toFixed(digits)) === 0) return text.replace("−", "");
  return value > 0 ? `+${text}` : text;
}

/** @param {number} share */
export const percent = (share, digits = 0) => `${(100 * share).toFixed(digits)} %`;

/** @param {number} count @param {string} one */
export const count = (count, one) => `${count} ${one}${count === 1 ? "" : "s"}`;

/** Which class a logit says. */
export const decision = (people, logit) => people[logit > 0 ? 1 : 0];

export const kindName = (kind) => kind.toUpperCase();

/** "row 3, column 5", counted from 1 as people count. */
export const place = (row, column) => `row ${row + 1}, column ${column + 1}`;

const deadHidden = ({ dead }) => dead.hidden.filter(Boolean).length;
const deadFilters = ({ dead }) => dead.conv.filter(Boolean).length;

/** Whether a network gives every face the same answer, because no hidden unit ever speaks. */
export const isDead = (survey) => survey.dead.hidden.every(Boolean);

/** What a network's silent units mean, in one or two sentences. */
export function silence({ network, survey }) {
  const hidden = deadHidden(survey);
  const filters = deadFilters(survey);
  const units = `${hidden} of ${count(network.hidden, "hidden unit")}`;
  if (isDead(survey))
    return `All ${network.hidden} hidden units are silent for every face here: ${whyDead(network, survey)}`;
  const said = [
    hidden && `${units} ${hidden === 1 ? "is" : "are"} silent for every face`,
    filters && `${filters} of ${count(network.filters, "filter")} ${filters === 1 ? "is" : "are"} silent`,
  ];
  const parts = said.filter(Boolean);
  return parts.length ? `${parts.join("; ")}.` : "Every unit speaks for some face.";
}

function whyDead(network, survey) {
  const cause =
    network.filters && survey.dead.conv.every(Boolean)
      ? "no filter gets past its ReLU, so "
      : "their sums stay below zero, so ";
  const bias = signed(network.weights["output.bias"][0]);
  return `${cause}the logit is the output's bias alone, ${bias}.`;
}

/** Which weights a slot holds: "seed 3 · held-out 90 %". */
export function provenance({ entry, choice }) {
  if (choice.source === "epoch") {
    const when = choice.index ? `after epoch ${choice.index} of ${entry.history.loss.length}` : "before training";
    return `seed ${entry.history.seed}, ${when}`;
  }
  const fit = entry.fits[choice.index];
  const { accuracy: heldOut, train_accuracy: trained } = fit;
  return `seed ${fit.seed} · ${heldOut === null ? `trained to ${percent(trained)}` : `held-out ${percent(heldOut)}`}`;
}

/** @param {{accuracy: number | null, train_accuracy: number}} fit */
export function accuracy(fit) {
  return fit.accuracy === null
    ? `${percent(fit.train_accuracy)} of training faces right`
    : `${percent(fit.accuracy)} of held-out faces right`;
}

/** The answer of a slot. */
export function answer(people, { kind, pass }) {
  const sure = pass.logit > 0 ? pass.probability : 1 - pass.probability;
  const name = decision(people, pass.logit);
  return `${kindName(kind)}: logit ${signed(pass.logit)}, ${name} with probability ${percent(sure, 1)}.`;
}

/** The indices of the largest magnitudes, the largest first. @param {ArrayLike<number>} values */
export function strongest(values, most) {
  return Array.from(values, (_, index) => index)
    .sort((one, other) => Math.abs(values[other]) - Math.abs(values[one]))
    .slice(0, most);
}

/** How a convolution's number came about. */
export function convolutionSentence({ filter, row, column }, { sum, bias, value, relu }) {
  const parts = `products sum to ${signed(sum)}, bias ${signed(bias)}, value ${signed(value)}`;
  return `Filter ${filter + 1}, ${place(row, column)}: ${parts}; after the ReLU ${number(relu)}.`;
}

/** How a pooled number came about. */
export function poolingSentence({ filter, row, column }, { winner, ties, values, value }) {
  const where = `Filter ${filter + 1}, window at ${place(row, column)}`;
  if (value === 0)
    return `${where}: all ${values.length} values are 0 after the ReLU, so the window says 0; nothing won.`;
  const tie = ties > 1 ? ` ${ties} values tie for the largest; the first counts.` : "";
  const won = place(winner.row, winner.column);
  return `${where}: the largest of ${values.length} values is ${number(value)}, at ${won} of the map.${tie}`;
}

/** What one feature gave to the logit. */
export function termSentence({ kind, network }, { filter, row, column }, feature, term) {
  const what = kind === "cnn" ? `Filter ${filter + 1}, pooled ${place(row, column)}` : `Pixel at ${place(row, column)}`;
  const weight = feature === 0 ? "" : `, times ${signed(term / feature, 4)} through the open units`;
  const name = network.mean && kind === "fcnn" ? "value less the mean" : "value";
  return `${kind.toUpperCase()}. ${what}: ${name} ${number(feature)}${weight}, gives ${signed(term, 4)} to the logit.`;
}

/** What a finished training came to. */
export function verdict({ kind, network, survey, history, fit }) {
  const first = history.loss[0];
  const last = history.loss.at(-1);
  const losses = `training loss ${number(first)} → ${number(last)}`;
  const fell = history.dead.findIndex(({ hidden }) => hidden.every(Boolean));
  if (isDead(survey) && fell >= 0) {
    const when = `All ${network.hidden} hidden units fell silent in epoch ${fell + 1}`;
    const so = `the ${kindName(kind)} gives every face the same answer, and the loss stays at ln 2 = 0.693`;
    return `${when}: ${so} (${losses}).`;
  }
  const heldOut = fit.accuracy === null ? "" : `, ${percent(fit.accuracy)} of held-out faces`;
  const right = `${percent(fit.train_accuracy)} of training faces right${heldOut}`;
  return `The ${kindName(kind)}'s ${losses}; ${right}. ${silence({ network, survey })}`;
}
