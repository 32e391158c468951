/** The pages on which one signs in. */

import {helpWithForms} from "./form.js";
import {fillFromCard} from "./from_card.js";
import "./patience.js";

helpWithForms();
fillFromCard();
window.addEventListener("hashchange", fillFromCard); // another card, where the page is open
