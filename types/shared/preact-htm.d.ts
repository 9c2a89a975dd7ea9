/** What the vendored `preact-htm.js` exports; its types come with the packages that it was built from. */
export * from "preact/hooks";
export { Component, h, html, render } from "htm/preact";
