/** What an announcement has in a conversation beside its words: its answer, how far it has come, what its author may do. */

import {h} from "../dom.js";
import {isStaff, page} from "../page.js";
import {receiptLine} from "../receipts.js";
import {acknowledgement} from "./acknowledgement.js";
import {changeButton} from "./changing.js";

/** @param {import("../client/channel.js").Channel} channel @param {any} announcement */
export function rowParts(channel, announcement) {
  const sees = isStaff(page.me) && announcement.withdrawn === undefined;
  const receipts = sees ? h("div", {class: "receipts"}, receiptLine(channel, announcement, null)) : null;
  const foot = [acknowledgement(channel, announcement), receipts];
  return {menu: changeButton(channel, announcement), foot: foot.filter((part) => part !== null)};
}
