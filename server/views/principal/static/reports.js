/** What is reported of messages of teachers: only principals see it, and it stands above the classes while it waits. */

import {socket} from "../../static/connection.js";
import {h, setText} from "../../static/dom.js";
import {_, ngettext} from "../../static/language.js";
import {byId, page} from "../../static/page.js";
import {caseCard} from "../../static/reports/case_card.js";
import {askOutcome} from "../../static/reports/close_dialog.js";
import {followFlags, readOlder, tellSeen} from "../../static/reports/follow.js";
import {parseTopic, PRINCIPALS} from "../../static/topic.js";

/** @param {(id: number) => string} titleOf the title of a class */
export function showReports(titleOf) {
  const channel = socket.channel(PRINCIPALS);
  const flags = followFlags(channel, show);
  byId("reports-list").addEventListener("toggle", show);
  void channel.join();

  function show() {
    const {count} = flags;
    byId("reports").hidden = count === 0;
    setText(byId("reports-count"), ngettext("{n} reported message of a teacher", "{n} reported messages of teachers", count));
    if (!byId("reports-list").open) return;
    byId("reports-cases").replaceChildren(...flags.cases().map(card), ...others());
    void tellSeen(channel, flags);
  }

  /** @param {import("../../static/reports/open_flags.js").Case} found */
  function card(found) {
    const {id = 0} = parseTopic(found.topic);
    const place = h("a", {href: `${page.home}classes/${id}`}, titleOf(id));
    const close = h("button", {class: "button", type: "button", onclick: () => askOutcome(channel, found, () => {})}, _("Close the report"));
    return caseCard(found, place, [close]);
  }

  function others() {
    if (flags.more === 0) return [];
    const read = () => void readOlder(channel, flags).then(show, () => {});
    return [h("li", {}, h("button", {class: "quiet-button", type: "button", onclick: read}, ngettext("Show {n} more", "Show {n} more", flags.more)))];
  }
}
