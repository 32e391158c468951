/**
 * Hands: a student raises one and sees how many are before it; staff see who wants to speak, and call the next one by a
 * button or a key.
 */

import {pushAndClose} from "../dialog.js";
import {h, icon, setText} from "../dom.js";
import {_, list, ngettext} from "../language.js";
import {later} from "../later.js";
import {throttled} from "../throttle.js";
import {byId, isStaff, page} from "../page.js";
import {speakNewest} from "../spoken.js";
import {showInTab} from "../tab_sign.js";
import {Queue} from "./queue.js";
import {strip} from "./strips.js";

/** With Alt: raises and lowers one's own hand, or calls the next. By its place, as Alt changes what a key writes. */
const KEY = "KeyK";
export const SHORTCUT = "Alt+K";
const listModule = later(() => import("./hand_list.js"));
/** Named in the line; of the others, how many. */
const NAMED = 3;

/** @typedef {import("../client/channel.js").Channel} Channel */

/** @param {Channel} channel */
export function showHands(channel) {
  const queue = new Queue();
  const view = isStaff(page.me) ? staffView(channel, queue) : studentView(channel, queue);
  const show = throttled(view.show);
  /** @param {(payload: any) => void} fold */
  const folding = (fold) => (/** @type {any} */ payload) => {
    fold(payload);
    show();
  };
  channel.onJoin(folding(({state}) => queue.join(state)));
  channel.on("hand:raised", folding((payload) => queue.raised(payload)));
  channel.on("hand:lowered", folding((payload) => queue.lowered(payload)));
  channel.on("hand:called", folding((payload) => queue.calledOne(payload)));
  for (const event of ["hands:cleared", "lesson:ended"]) channel.on(event, folding(() => queue.cleared()));
  document.addEventListener("keydown", (event) => {
    if (event.code !== KEY || !event.altKey || event.ctrlKey || event.metaKey || event.repeat) return;
    event.preventDefault();
    view.act();
  });
}

// A student

/** @param {Channel} channel @param {Queue} queue */
function studentView(channel, queue) {
  const button = byId("hand-button");
  const isUp = () => queue.placeOf(page.me.id) > 0;
  const isCalled = () => queue.called?.user === page.me.id;
  const act = () => void pushAndClose(channel, isUp() || isCalled() ? "hand:lower" : "hand:raise", {});
  const words = h("strong", {class: "strip-words"});
  const down = quiet(_("Done"), act);
  const line = lasting(strip("hand", 10), icon("hand"), words, down);
  let said = "";

  const show = () => {
    const text = isCalled() ? _("It is your turn to speak.") : isUp() ? placeWords(queue.placeOf(page.me.id)) : "";
    button.hidden = false;
    button.setAttribute("aria-pressed", String(isUp()));
    setText(words, text);
    down.hidden = !isCalled(); // until then the button in the head lowers it
    line.toggle(text !== "");
    byId("strips").classList.toggle("is-called", isCalled());
    if (text !== said && text !== "") speakNewest("hand", text);
    said = text;
    showInTab("hands", isCalled() ? 1 : 0);
  };
  button.title = SHORTCUT;
  button.addEventListener("click", act);
  return {show, act};
}

/** @param {number} place */
function placeWords(place) {
  if (place === 1) return _("Your hand is up. You are next.");
  return ngettext("Your hand is up. {n} person is before you.", "Your hand is up. {n} people are before you.", place - 1);
}

// Staff

/** @param {Channel} channel @param {Queue} queue */
function staffView(channel, queue) {
  /** @type {ReturnType<typeof import("./hand_list.js").handList> | null} */
  let dialog = null;
  const open = () => void listModule.press(({handList}) => (dialog ??= handList(channel, queue)).open());
  const act = () => {
    const [next] = queue.hands;
    if (next !== undefined) void pushAndClose(channel, "hand:call", {user: next.user});
    else if (queue.called !== null) void pushAndClose(channel, "hand:lower", {user: queue.called.user});
  };
  const words = h("p", {class: "strip-words"});
  const main = h("button", {class: "button strip-button", type: "button", "aria-keyshortcuts": SHORTCUT, title: SHORTCUT, onclick: act});
  const all = quiet(_("All"), open);
  const line = lasting(strip("hands", 10), icon("hand"), words, main, all);
  let said = 0;

  const show = () => {
    const {hands, called} = queue;
    words.replaceChildren(...wordsOf(queue));
    setText(main, hands.length > 0 ? _("Call {name}", {name: hands[0].name}) : _("Done"));
    all.hidden = hands.length < 2;
    line.toggle(hands.length > 0 || called !== null);
    dialog?.changed();
    if (hands.length > said) speakNewest("hands", countWords(hands.length));
    said = hands.length;
    showInTab("hands", hands.length);
  };
  return {show, act};
}

/** @param {number} count */
function countWords(count) {
  return ngettext("{n} hand is up", "{n} hands are up", count);
}

/** @param {Queue} queue */
function wordsOf({hands, called}) {
  const turn = called === null ? "" : _("{name} is speaking.", {name: called.name});
  if (hands.length === 0) return [turn];
  const named = hands.slice(0, NAMED).map(({name}) => name);
  const more = hands.length - named.length;
  const names = list(more > 0 ? [...named, ngettext("{n} more", "{n} more", more)] : named);
  return [turn, turn && " ", h("strong", {}, countWords(hands.length)), h("span", {class: "strip-names"}, `: ${names}`)];
}

/**
 * A line whose content stays the same elements, so that a button keeps the focus while its words change.
 * @param {ReturnType<typeof strip>} line @param {...Node} content
 */
function lasting(line, ...content) {
  let isShown = false;
  return {
    /** @param {boolean} isWanted */
    toggle(isWanted) {
      if (isWanted === isShown) return;
      isShown = isWanted;
      if (isWanted) return line.show(...content);
      const hadFocus = content.some((each) => each.contains(document.activeElement));
      line.hide();
      if (hadFocus) byId("scroller").focus();
    },
  };
}

/** A button of less weight. @param {string} label @param {() => void} run */
export function quiet(label, run) {
  return h("button", {class: "quiet-button", type: "button", onclick: run}, label);
}
