/** JSON Schema in words: what an OpenAPI document says of a value. */

const LIMITS = [
  ["minimum", "at least"],
  ["exclusiveMinimum", "more than"],
  ["maximum", "at most"],
  ["exclusiveMaximum", "less than"],
];

/**
 * Return a schema without its `$ref`; what stands beside the reference stays.
 *
 * @typedef {{$ref?: string, [name: string]: any}} Schema  Of JSON.
 * @param {any} document  The API's description.
 * @param {Schema} schema
 * @returns {any}
 */
export function resolve(document, { $ref, ...rest }) {
  if (!$ref) return rest;
  const target = $ref
    .slice(2)
    .split("/")
    .reduce((part, key) => part[key], document);
  return { ...resolve(document, target), ...rest };
}

/** Return what is said of a value: the first paragraph, for what follows in it are the fields once more. */
export const descriptionOf = (document, schema) => resolve(document, schema).description?.split("\n\n")[0];

/** Return what a value may be, such as "list of 1 to 20 base64 texts". */
export function typeWords(document, schema) {
  const { anyOf, items, type, title, properties, ...rest } = resolve(document, schema);
  if (anyOf) return anyOf.map((option) => typeWords(document, option)).join(" or ");
  if ("const" in rest) return JSON.stringify(rest.const);
  if (rest.enum) return rest.enum.map((value) => JSON.stringify(value)).join(", ");
  if (type === "array")
    return ["list of", range(rest.minItems, rest.maxItems), items ? typeWords(document, items) : "anything"].join(" ");
  if (type === "object") return properties && title ? title : "object";
  if (type === "string") return textWords(rest);
  const limits = LIMITS.filter(([key]) => key in rest).map(([key, words]) => `${words} ${rest[key]}`);
  return [type ?? "anything", ...limits].join(", ");
}

function textWords({ contentEncoding, contentMediaType, format, minLength, maxLength, pattern }) {
  if (contentMediaType) return `file, ${contentMediaType}`;
  const long = range(minLength, maxLength);
  return [contentEncoding ?? format ?? "text", long && `${long} characters`, pattern && `as ${pattern}`]
    .filter(Boolean)
    .join(", ");
}

function range(least, most) {
  if (least === undefined && most === undefined) return "";
  if (most === undefined) return `at least ${least}`;
  return least ? `${least} to ${most}` : `at most ${most}`;
}

/**
 * Return the fields of an object, of the objects in a list, or of an object that may be null.
 *
 * @returns {{name: string, schema: Schema, required: boolean}[]}
 */
export function fieldsOf(document, schema) {
  const { anyOf = [], items, properties = {}, required = [] } = resolve(document, schema);
  const within = [...anyOf, ...(items ? [items] : [])].flatMap((part) => fieldsOf(document, part));
  const own = Object.entries(properties).map(([name, value]) => ({
    name,
    schema: value,
    required: required.includes(name),
  }));
  return [...own, ...within];
}

/**
 * Return a line for the shell that calls an operation with what it must be given. The token is `$TOKEN` there.
 *
 * @param {object} document  The API's description.
 * @param {{method: string, address: string, operation: any}} entry
 */
export function curlOf(document, { method, address, operation }) {
  const { parameters = [], requestBody } = operation;
  const filled = parameters
    .filter(({ in: place }) => place === "path")
    .reduce(
      (text, { name, schema }) =>
        text.replace(`{${name}}`, resolve(document, schema).type === "integer" ? "1" : name.toUpperCase()),
      address,
    );
  const { "multipart/form-data": form, "application/json": json } = requestBody?.content ?? {};
  const body = form ? formOf(document, form.schema) : json ? jsonOf(document, json.schema) : [];
  const verb = method === (body.length ? "POST" : "GET") ? [] : [`-X ${method}`];
  return ["curl", '-H "Authorization: Bearer $TOKEN"', ...verb, ...body, new URL(filled, location.origin).href].join(
    " ",
  );
}

const requiredOf = (document, schema) => fieldsOf(document, schema).filter(({ required }) => required);

const formOf = (document, schema) =>
  requiredOf(document, schema).map((field) => `-F ${field.name}=${formValue(document, field)}`);

function formValue(document, { name, schema }) {
  const { items, contentMediaType } = resolve(document, schema);
  return (items ? resolve(document, items) : { contentMediaType }).contentMediaType
    ? `@${name}.jpg`
    : name.toUpperCase();
}

function jsonOf(document, schema) {
  const values = requiredOf(document, schema).map(({ name, schema: field }) => [
    name,
    example(name, resolve(document, field)),
  ]);
  return ["-H 'Content-Type: application/json'", `-d '${JSON.stringify(Object.fromEntries(values))}'`];
}

function example(name, { type, enum: values, exclusiveMaximum }) {
  if (values) return values[0];
  if (type === "integer") return 1;
  return type === "number" ? (exclusiveMaximum ?? 1) / 1000 : name.toUpperCase();
}
