/** The token of this tab: it comes in the address, and stays out of history, bookmarks and what is sent elsewhere. */

const KEPT = "faceloupe-token";

/** Take the token out of the address, if it is there, and return the one to use; empty if there is none. */
export function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem(KEPT, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return token();
}

export const token = () => sessionStorage.getItem(KEPT) ?? "";

export const keepToken = (given) => sessionStorage.setItem(KEPT, given);

export const dropToken = () => sessionStorage.removeItem(KEPT);

let allowed = null;

/** Take note of what the token is for. @param {string[] | undefined} scopes  Unknown: everything may be tried. */
export function allow(scopes) {
  allowed = scopes ?? null;
}

/** Whether what takes this scope may be offered. */
export const may = (scope) => !allowed || allowed.includes(scope);
