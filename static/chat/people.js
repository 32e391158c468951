/** Who is in the class and who of them is here now; of a large class, how many. On a phone it slides over the chat. */

import {avatar, roleBadge} from "../avatar.js";
import {onOnline} from "../connection.js";
import {cancel, showDialog} from "../dialog.js";
import {h, icon, setText} from "../dom.js";
import {_, language, ngettext, number} from "../language.js";
import {throttled} from "../throttle.js";
import {byId, isStaff, page} from "../page.js";

/** @typedef {import("../page.js").User} User */
/** @typedef {{label: string, run: () => void}} Choice */
/** @typedef {{choices: (user: User) => Choice[], sign: (user: User) => string | null}} PeopleOffer what one may do with whom, and a word beside the name */

/** @type {PeopleOffer[]} */
const offers = [];
let showAgain = () => {};

/** Offer something for people in the list. @param {PeopleOffer} offered */
export function offerForPeople(offered) {
  offers.push(offered);
  showAgain();
  return {changed: () => showAgain()};
}

/** @param {import("../client/channel.js").Channel} channel */
export function showPeople(channel) {
  openAndClose(byId("people"), byId("people-button"), byId("people-close"));
  /** @type {User[]} */
  let here = [];
  let isListed = false;
  const showSoon = throttled(() => showList(here));
  showAgain = () => isListed && showSoon();
  channel.presence.onChange((users) => {
    here = users;
    isListed = true;
    showSoon();
  });
  channel.presence.onCount((counts) => {
    isListed = false; // the school may take the names away, and give them again
    showCounts(counts);
  });
  onOnline(showWhetherNow);
}

/** Without a connection the list is of before: it must not claim that anybody is here. @param {boolean} isOnline */
function showWhetherNow(isOnline) {
  const isOfBefore = !isOnline && byId("people-lists").childElementCount > 0;
  byId("people-before").hidden = !isOfBefore;
  for (const id of ["people-lists", "here-count"]) byId(id).classList.toggle("of-before", isOfBefore);
}

/** @param {User[]} here */
function showList(here) {
  const ids = new Set(here.map(({id}) => id));
  const away = page.people.filter(({id}) => !ids.has(id));
  setText(byId("here-count"), number(here.length));
  byId("people-lists").replaceChildren(
    group(_("Here now ({n})", {n: number(here.length)}), here.sort(staffFirst), "here"),
    group(_("Not here ({n})", {n: number(away.length)}), away.sort(staffFirst), "away"),
  );
}

/** @param {User} one @param {User} other */
function staffFirst(one, other) {
  return Number(isStaff(other)) - Number(isStaff(one)) || one.name.localeCompare(other.name, language);
}

/** @param {string} title @param {User[]} users @param {string} kind */
function group(title, users, kind) {
  const items = users.map((user) => person(user, kind));
  return h("section", {hidden: users.length === 0}, h("h3", {}, title), h("ul", {}, ...items));
}

/** @param {User} user @param {string} kind */
function person(user, kind) {
  const name = user.id === page.me.id ? _("{name} (you)", {name: user.name}) : user.name;
  const signs = offers.map(({sign}) => sign(user)).filter((words) => words !== null);
  return h(
    "li",
    {class: `person ${kind}`},
    avatar(user),
    h("span", {class: "person-name", dir: "auto", title: name}, name, roleBadge(user), ...signs.map((words) => h("span", {class: "person-sign"}, words))),
    menu(user),
  );
}

/** @param {User} user */
function menu(user) {
  const choices = offers.flatMap((offered) => offered.choices(user));
  if (choices.length === 0 || user.id === page.me.id) return null;
  const label = _("What to do with {name}", {name: user.name});
  return h("button", {class: "person-menu", type: "button", "aria-haspopup": "dialog", "aria-label": label, onclick: () => choose(user, choices)}, icon("more"));
}

/** @param {User} user @param {Choice[]} choices */
function choose(user, choices) {
  if (choices.length === 1) return choices[0].run();
  const items = choices.map(({label, run}) => h("li", {}, h("button", {class: "menu-item", type: "button", onclick: run}, label)));
  showDialog(user.name, [h("ul", {class: "dialog-list"}, ...items), cancel()]);
}

/** @param {import("../client/presence.js").Counts} counts */
function showCounts({users}) {
  const {student: students = 0, teacher: teachers = 0} = users;
  setText(byId("here-count"), number(Object.values(users).reduce((sum, count) => sum + count, 0)));
  byId("people-lists").replaceChildren(
    h("h3", {}, ngettext("{n} student here now", "{n} students here now", students)),
    h("h3", {}, ngettext("{n} teacher here now", "{n} teachers here now", teachers)),
  );
}

/** @param {HTMLElement} panel @param {HTMLElement} button @param {HTMLElement} close */
function openAndClose(panel, button, close) {
  /** @param {boolean} isOpen */
  const set = (isOpen) => {
    panel.classList.toggle("open", isOpen);
    byId("people-scrim").hidden = !isOpen;
    button.setAttribute("aria-expanded", String(isOpen));
    (isOpen ? close : button).focus();
  };
  button.addEventListener("click", () => set(!panel.classList.contains("open")));
  close.addEventListener("click", () => set(false));
  document.addEventListener("click", (event) => {
    // The path is that of the click: a button may have taken itself from the page by now. What one does with people, in
    // the dialog, leaves the list open.
    const isInside = event.composedPath().some((node) => node === panel || node === button || node instanceof HTMLDialogElement);
    if (panel.classList.contains("open") && !isInside) set(false);
  });
  panel.addEventListener("keydown", ({key}) => key === "Escape" && set(false));
}
