/**
 * The words of a sentence, taken from the left, and what is told where one of them is not as expected.
 *
 * @typedef {import("loupe/layers").Pair} Pair
 */

const MOST_SIDE = 64; // pixels of a kernel, a window, a stride

/** A sentence that cannot be read, with the place and the remedy. */
export class SentenceError extends Error {
  /**
   * @param {string} problem
   * @param {string} remedy
   * @param {number} start  Of what is wrong in the sentence, in characters.
   * @param {number} stop
   */
  constructor(problem, remedy, start, stop) {
    super(`${problem} ${remedy}`);
    this.start = start;
    this.stop = stop;
  }
}

/** The words between two commas, taken from the left. */
export class Phrase {
  /** @param {string} text @param {number} start  Where it stands in the sentence. */
  constructor(text, start) {
    this.words = [...text.matchAll(/\S+/g)].map(({ 0: word, index }) => ({
      word: word.toLowerCase(),
      at: start + index,
    }));
    this.end = start + text.trimEnd().length;
    this.next = 0;
  }

  get word() {
    return this.words[this.next]?.word ?? "";
  }

  /** What stands where something else was expected. */
  get came() {
    return this.word ? `; got “${this.word}”` : "";
  }

  /** @param {string} wanted */
  take(wanted) {
    const is = this.word === wanted;
    if (is) this.next++;
    return is;
  }

  back() {
    this.next--;
  }

  /** @param {string} problem @param {string} remedy @returns {never} */
  fail(problem, remedy) {
    const { word = "", at = this.end } = this.words[this.next] ?? {};
    throw new SentenceError(problem, remedy, at, at + Math.max(1, word.length));
  }

  /** @param {string} remedy */
  close(remedy) {
    if (this.word) this.fail(`“${this.word}” is not expected here.`, remedy);
  }
}

/** @template {string} T @param {Phrase} phrase @param {T[]} allowed @param {string} remedy @returns {T} */
export function takeChoice(phrase, allowed, remedy) {
  const { word } = phrase;
  const chosen = allowed.find((name) => name === word);
  if (!chosen) {
    const likely = nearest(word, allowed);
    const came = word ? ` “${word}” is none of them.` : "";
    phrase.fail(`Expected one of ${allowed.join(", ")}.${came}`, likely ? `Did you mean ${likely}?` : remedy);
  }
  phrase.next++;
  return chosen;
}

/** @param {Phrase} phrase @param {string} what @param {number} most  At least 1. @param {string} remedy */
export function takeWhole(phrase, what, most, remedy) {
  const value = Number(phrase.word);
  if (!/^\d{1,9}$/.test(phrase.word) || value < 1 || value > most) {
    phrase.fail(`Expected ${what}, a whole number from 1 to ${most}${phrase.came}.`, remedy);
  }
  phrase.next++;
  return value;
}

/** @param {Phrase} phrase @param {string} what @param {number} least @param {string} remedy @returns {Pair} */
export function takeSize(phrase, what, least, remedy) {
  const [, rows, columns = rows] = /^(\d{1,4})(?:[x×](\d{1,4}))?$/.exec(phrase.word) ?? [];
  const sides = /** @type {Pair} */ ([Number(rows), Number(columns)]);
  if (!rows || Math.min(...sides) < least || Math.max(...sides) > MOST_SIDE) {
    const range = `${least} to ${MOST_SIDE} pixels, as 5 or 5x3 (height x width)`;
    phrase.fail(`Expected ${what}, ${range}${phrase.came}.`, remedy);
  }
  phrase.next++;
  return sides;
}

/** @param {Phrase} phrase @param {string} what @param {(value: number) => boolean} fits @param {string} remedy */
export function takeNumber(phrase, what, fits, remedy) {
  const value = phrase.word ? Number(phrase.word) : NaN;
  if (!fits(value)) phrase.fail(`Expected ${what}${phrase.came}.`, remedy);
  phrase.next++;
  return value;
}

/**
 * The name that most likely was meant: that with the fewest letters to change, if they are few.
 *
 * @param {string} word
 * @param {string[]} names
 */
function nearest(word, names) {
  const changes = names.map((name) => distance(word, name));
  const least = Math.min(...changes);
  return least <= Math.max(1, word.length / 3) ? names[changes.indexOf(least)] : undefined;
}

/** How many letters to change, add or leave out (Levenshtein 1966). @param {string} one @param {string} other */
function distance(one, other) {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + Number(one[i - 1] !== other[j - 1]));
    }
    row = next;
  }
  return row[other.length];
}
