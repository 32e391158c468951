/** Where the user was mentioned and has not read it yet: told in their own topic, for all their classes. */

import {Listeners} from "./client/listeners.js";
import {mine} from "./connection.js";
import {page} from "./page.js";
import {readingOf} from "./reading.js";
import {showInTab} from "./tab_sign.js";
import {classTopic, isClass} from "./topic.js";

const MENTIONED = "message:mentioned";

/** The newest mention of each topic, by its position there. @type {Map<string, number>} */
const newest = new Map();
/** @type {Listeners<[]>} */
const onChange = new Listeners();

/** Whether the user is mentioned in something of a topic that they have not read. @param {import("./reading.js").Reading} reading */
export function isMentioned({topic, read, isKnown}) {
  return isKnown && (newest.get(topic) ?? 0) > read;
}

/** Call when there is a new mention. @param {() => void} listener */
export function onMention(listener) {
  return onChange.add(listener);
}

/** @param {any} payload */
function note({topic, target}) {
  newest.set(topic, Math.max(target, newest.get(topic) ?? 0));
}

mine.onJoin(({resumed, events}) => {
  if (!resumed) newest.clear(); // positions of another journal may be meant
  for (const {event, payload} of events) if (event === MENTIONED) note(payload);
  onChange.emit();
});
mine.on(MENTIONED, (payload) => {
  note(payload);
  onChange.emit();
});

/** Count the other classes that have one in the tab's title. In the open class they count as messages. */
export function showMentionsInTab() {
  const here = page.classroom === undefined ? null : classTopic(page.classroom.id);
  /** @type {Set<string>} */
  const followed = new Set();
  const show = () => {
    const topics = [...newest.keys()].filter((topic) => isClass(topic) && topic !== here);
    for (const topic of topics) {
      if (followed.has(topic)) continue;
      followed.add(topic);
      readingOf(topic).onChange(show);
    }
    showInTab("mentions", topics.filter((topic) => isMentioned(readingOf(topic))).length);
  };
  onMention(show);
}
