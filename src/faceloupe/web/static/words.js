/** Numbers and states in words. */

const MINUS = "−";

/** A cosine, as the answers write it. */
export const score = (value) => value.toFixed(3).replace("-", MINUS);

export const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)} %`;

export const count = (number, one, many = `${one}s`) =>
  `${number.toLocaleString("en-GB")} ${number === 1 ? one : many}`;

/** A name, with the external id that tells two of one name apart. */
export const called = ({ name, external_id: id }) => (id ? `${name} (${id})` : name);

/** "1 in 10,000", or the percentage where that reads better. */
export function oneIn(share) {
  if (!share) return "none";
  return share > 0.05 ? percent(share) : `1 in ${Number((1 / share).toPrecision(2)).toLocaleString("en-GB")}`;
}

const DAY = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" });
const MOMENT = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

/** A time of the server, which is in UTC whether it says so or not, in the reader's own. */
const read = (text) => new Date(/Z$|[+-]\d\d:?\d\d$/.test(text) ? text : `${text}Z`);
export const day = (text) => DAY.format(read(text));
export const moment = (text) => MOMENT.format(read(text));

/** Which way a head is turned; the sides are the picture's. */
export function poseWords({ yaw, pitch, roll }) {
  const parts = [
    [yaw, "to the right of the picture", "to the left of the picture"],
    [pitch, "up", "down"],
    [roll, "tilted clockwise", "tilted anticlockwise"],
  ].map(([angle, over, under]) => Math.abs(angle) >= 5 && `${Math.abs(angle).toFixed(0)}° ${angle > 0 ? over : under}`);
  return parts.filter(Boolean).join(", ") || "to the camera";
}

/** What was measured on a face, as rows of a name and words. */
export function qualityRows(quality) {
  const norm = quality.embedding_norm;
  return [
    ["Eyes apart", `${quality.eye_distance.toFixed(0)} pixels`],
    ["Looks", poseWords(quality.pose)],
    ["Sharpness", `${quality.sharpness.toFixed(1)} grey levels`],
    ["Brightness", percent(quality.brightness, 0)],
    ["Without detail", percent(quality.clipped, 1)],
    ["Detection score", quality.detection_score.toFixed(3)],
    ...(norm === null ? [] : [["Embedding norm", norm.toFixed(1)]]),
  ];
}

export const STATES = { waiting: "waiting", running: "at work", done: "done", failed: "failed", stopped: "stopped" };

const KINDS = {
  enrol: "Enrolment",
  study: "Study",
  look: "Look",
  explain: "Why this score",
  attribute: "Attribution",
  train: "Training",
};

/** A job in words: what it does, and to what. */
export const jobWords = ({ kind, about }) => [KINDS[kind] ?? kind, about].filter(Boolean).join(": ");

/** A time in the largest unit that gives a whole number. */
export function lasting(seconds) {
  const [size, unit] = UNITS.find(([size]) => seconds % size === 0) ?? [1, "second"];
  return count(Math.round(seconds / size), unit);
}

/** @type {[number, string][]} */
const UNITS = [
  [86_400, "day"],
  [3600, "hour"],
  [60, "minute"],
];

/** About how long something will take; nothing, while that cannot be told. */
export function timeLeft(seconds) {
  if (!(seconds > 0 && seconds < 86_400)) return "";
  return seconds < 50
    ? `about ${count(Math.max(1, Math.round(seconds / 5)) * 5, "second")} left`
    : `about ${count(Math.round(seconds / 60), "minute")} left`;
}

export const jobShare = ({ done, whole }) => (whole ? Math.min(1, done / whole) : null);

/** A line of the trail, in words. */
export function entryWords({ what, details }) {
  const facts = Object.entries(details ?? {})
    .filter(([name]) => name !== "upto")
    .map(([name, value]) => detail(name.replaceAll("_", " "), value));
  return [TRAIL[what] ?? what, facts.filter(Boolean).join(", ")].filter(Boolean).join(": ");
}

function detail(name, value) {
  if (typeof value === "boolean") return value && name;
  if (Number.isInteger(value) && name.endsWith("s"))
    return `${value.toLocaleString("en-GB")} ${value === 1 ? name.replace(/s$/, "") : name}`;
  if (Array.isArray(value)) return `${name} ${value.join(" and ").replaceAll("_", " ")}`;
  return `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`;
}

const TRAIL = {
  enrol: "Enrolled",
  rename: "Renamed",
  describe: "Described",
  merge: "Merged",
  forget: "Forgotten",
  erase: "Bytes erased from the files",
  import: "Imported",
  export: "Exported",
  consent: "Consent noted",
  calibrate: "Threshold calibrated",
  reset: "Published threshold restored",
  "keep unknown": "Time that unknown faces are kept for",
  "erase unknown": "Unknown faces erased",
};
