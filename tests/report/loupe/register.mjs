// Bare names such as "loupe/network" are for a page's import map; node finds them with this hook.
import { register } from "node:module";

const modules = new URL("../../../src/faceloupe/report/static/loupe/", import.meta.url);
const hook = `export const resolve = (name, context, next) =>
  name.startsWith("loupe/")
    ? { url: new URL(name.slice(6) + ".js", "${modules}").href, format: "module", shortCircuit: true }
    : next(name, context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
