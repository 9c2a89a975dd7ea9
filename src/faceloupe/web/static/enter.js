/** Takes over the token that came in a request's body, and goes to the page: no address ever holds it. */

import { keepToken } from "./session.js";

const token = document.querySelector('meta[name="token"]');
keepToken(token instanceof HTMLMetaElement ? token.content : "");
location.replace("/");
