/**
 * Modules of the page as one script, for a worker: an import map does not reach it.
 */

const IMPORT = /^import (?:([^;]+?) from )?"([^"]+)";$/gm;
const EXPORT = /^export (?=(?:async )?(?:function|const|class))/gm;
const NAME = /^export (?:async )?(?:function\*?|const|class) (\w+)/gm;

/**
 * Return a script that runs a module, after those that it imports, each in a scope of its own.
 *
 * @param {string} entry  The module's name, such as "loupe/worker".
 * @param {(name: string) => string} sourceOf  A module's code by its name.
 */
export function bundle(entry, sourceOf) {
  /** @type {Map<string, string>} */
  const parts = new Map();
  /** @param {string} name */
  function add(name) {
    if (parts.has(name)) return;
    const code = sourceOf(name);
    for (const [, , other] of code.matchAll(IMPORT)) add(other);
    const names = [...code.matchAll(NAME)].map(([, exported]) => exported);
    const body = code
      .replace(IMPORT, (_, taken, other) =>
        taken ? `const ${taken.replace(/ as /g, ": ")} = modules["${other}"];` : "",
      )
      .replace(EXPORT, "");
    parts.set(name, `modules["${name}"] = (() => {\n${body}\nreturn { ${names.join(", ")} };\n})();`);
  }
  add(entry);
  return `"use strict";\nconst modules = {};\n${[...parts.values()].join("\n")}`;
}

/** Return a function that reads the modules of this page out of its import map. */
export function pageSources() {
  const map = document.querySelector('script[type="importmap"]')?.textContent ?? "{}";
  const { imports = {} } = JSON.parse(map);
  return (/** @type {string} */ name) => {
    const [, base64 = ""] = String(imports[name] ?? "").split(",");
    return new TextDecoder().decode(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)));
  };
}
