/** What draws the page: the file that the reports carry too. */

export { html, render, useEffect, useErrorBoundary, useRef, useState } from "./shared/preact-htm.js";
