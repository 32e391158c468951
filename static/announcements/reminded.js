/** Whether an author asks again for an announcement; what shows that is loaded then. */

import {mine} from "../connection.js";
import {later} from "../later.js";

const REMINDED = "announcement:reminded";
/** After that, whoever did not see it is not helped by a line on top. */
const DAYS_MS = 7 * 86_400_000;

const reminders = later(() => import("./reminders.js"));

/** Show reminders on this page. */
export function showReminders() {
  const take = (/** @type {any} */ reminder) => void reminders.need(({remind}) => void remind(reminder));
  mine.on(REMINDED, take);
  mine.onJoin(({events}) => {
    for (const {event, payload} of events) if (event === REMINDED && payload.at > Date.now() - DAYS_MS) take(payload);
  });
}
