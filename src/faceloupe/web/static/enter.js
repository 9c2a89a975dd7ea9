/** Takes over the token that came in a request's body, and goes to the page: no address ever holds it. */

import { keepToken } from "./session.js";

keepToken(document.querySelector('meta[name="token"]').content);
location.replace("/");
