/** The pages on which one signs in. */

import {helpWithForms} from "./form.js";
import "./patience.js";

helpWithForms();
