/** Calls to the server. Whatever goes wrong is a Problem with a title, a detail and what to do. */

import { token } from "./session.js";
import { count } from "./words.js";

const BASE = "api/v1";
const GALLERY = /^\/(people|calibrate|points|(collection|unknown)\/name)\b/; // what writes there may change who is recognised

export class Problem extends Error {
  /** @param {{status: number, title: string, detail: string, remedy: string}} document  RFC 9457, with a remedy */
  constructor({ status, title, detail, remedy }, retryAfter = 0) {
    super(detail);
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.remedy = remedy;
    this.retryAfter = retryAfter;
  }
}

/**
 * Ask the server, and return what it says.
 *
 * @param {string} path  Behind /api/v1
 * @param {{method?: string, json?: object, form?: object, signal?: AbortSignal,
 *   headers?: Record<string, string>}} request  `form` goes as files and fields: values that are undefined are left
 *   out, and lists become repeated fields.
 */
export async function call(path, request = {}) {
  return (await ask(path, request)).json();
}

/** Return a picture that the server keeps, as a blob. */
export async function picture(path, signal) {
  return (await ask(path, { signal })).blob();
}

/**
 * @param {string} path
 * @param {{method?: string, json?: object, form?: object, signal?: AbortSignal,
 *   headers?: Record<string, string>}} request
 */
async function ask(path, { method, json, form, signal, headers = {} }) {
  const body = form ? formOf(form) : json && JSON.stringify(json);
  const sentHeaders = {
    Authorization: `Bearer ${token()}`,
    ...(json && { "Content-Type": "application/json" }),
    ...headers,
  };
  const verb = method ?? (body ? "POST" : "GET");
  let answer;
  try {
    answer = await fetch(`${BASE}${path}`, { method: verb, body, signal, headers: sentHeaders });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem({
      status: 0,
      title: "The server does not answer",
      detail: "Nothing came back: it may have been ended, or the connection broke.",
      remedy: "See whether faceloupe serve still runs, then try again.",
    });
  }
  if (verb !== "GET" && GALLERY.test(path)) dispatchEvent(new Event("gallery-changed"));
  if (answer.ok) return answer;
  const problem = await problemOf(answer);
  if (problem.status === 401) dispatchEvent(new Event("token-refused"));
  throw problem;
}

async function problemOf(answer) {
  const details = await answer.json().catch(() => ({}));
  if (answer.status === 405)
    return new Problem({
      status: answer.status,
      title: "This server does not offer it",
      detail: "It answers, but it has no such service.",
      remedy: "It may be of another version than this page, or a part of it is not installed.",
    });
  const defaults = { title: `The server answered ${answer.status}`, detail: "It said no more.", remedy: "Try again." };
  const wait = Number(answer.headers.get("Retry-After"));
  const remedy = answer.status === 429 && wait ? { remedy: `Try again in ${count(wait, "second")}.` } : {};
  return new Problem({ ...defaults, ...details, ...remedy, status: answer.status }, wait);
}

function formOf(fields) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields))
    for (const part of [value].flat()) if (part !== undefined) form.append(name, part);
  return form;
}

/** Read server-sent events through fetch, for EventSource sends no token: yields what each carries. */
export async function* events(path, signal) {
  const answer = await ask(path, { signal, headers: { Accept: "text/event-stream" } });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (waiting + value).split(/\r?\n\r?\n/);
    waiting = parts.pop();
    for (const part of parts) {
      const data = part.split(/\r?\n/).filter((line) => line.startsWith("data:"));
      if (data.length) yield JSON.parse(data.map((line) => line.slice(5)).join("\n"));
    }
  }
}
