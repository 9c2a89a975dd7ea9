/** The token of this tab: it comes in the address, and stays out of history, bookmarks and what is sent elsewhere. */

const STORED = "faceloupe-token";

/** Take the token out of the address, if it is there, and return the one to use; empty if there is none. */
export function takeToken() {
  const fromAddress = new URLSearchParams(location.hash.slice(1)).get("token");
  if (fromAddress) {
    sessionStorage.setItem(STORED, fromAddress);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return token();
}

export const token = () => sessionStorage.getItem(STORED) ?? "";

export const keepToken = (value) => sessionStorage.setItem(STORED, value);

export const dropToken = () => sessionStorage.removeItem(STORED);

let allowed = null;

/** Take note of what the token is for. @param {string[] | undefined} scopes  Unknown: everything may be tried. */
export function allow(scopes) {
  allowed = scopes ?? null;
}

/** Whether what takes this scope may be offered. */
export const may = (scope) => !allowed || allowed.includes(scope);
