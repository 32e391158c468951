/** The topic of this class's staff, for the parts of the page that only staff sees. */

import {mine, socket} from "../connection.js";
import {isStaff, page} from "../page.js";
import {classStaffTopic} from "../topic.js";

let isFollowed = false;

/** Return its channel, which is joined from then on; null for who is no staff. */
export function classStaff() {
  if (!isStaff(page.me)) return null;
  const channel = socket.channel(classStaffTopic(page.classroom.id));
  const join = () => void channel.join();
  if (!isFollowed) mine.on("rights:changed", join); // a class that was taken away may have come back
  isFollowed = true;
  join();
  return channel;
}
