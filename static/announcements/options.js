/** What an announcement may have beside its words: that readers confirm it, when it goes out, until when it holds. */

import {_} from "../language.js";
import {byId, page} from "../page.js";

/** The server's (channels/limit.py). */
const MAX_PLAN_MS = 366 * 86_400_000;

/** @typedef {import("./audience.js").Problem} Problem */
/** @typedef {import("./plans.js").Plan} Plan */

/** Start the fields under "More". */
export function startOptions() {
  const acknowledge = byId("acknowledge");
  const urgent = byId("urgent");
  const publish = byId("publish-at");
  const expire = byId("expires-at");

  const publishAt = () => timeOf(publish);
  /** In the school's quiet hours it waits for their end, unless it is urgent. */
  const quietUntil = () => {
    const until = page.quiet_until ?? 0;
    return until > (publishAt() ?? Date.now()) && !urgent.checked ? until : null;
  };
  const show = () => setBegin([publish, expire]);
  byId("announce-more").addEventListener("toggle", show);
  return {
    publishAt,
    quietUntil,
    /** @returns {Problem | null} */
    problem: () => {
      const [begin, end] = [publishAt(), timeOf(expire)];
      if (begin !== null && begin <= Date.now()) return shown({words: _("This time has passed. Choose a later one, or none to announce now."), field: publish});
      if (begin !== null && begin > Date.now() + MAX_PLAN_MS) return shown({words: _("This time is more than a year away."), field: publish});
      if (end !== null && end <= (begin ?? Date.now())) return shown({words: _("It would expire before it goes out."), field: expire});
      return null;
    },
    /** What is chosen, as the server takes it. */
    chosen: () => ({
      ...(acknowledge.checked && {acknowledge: true}),
      ...(urgent.checked && {urgent: true}),
      ...(publishAt() !== null && {publish_at: publishAt()}),
      ...(timeOf(expire) !== null && {expires_at: timeOf(expire)}),
    }),
    /** @param {Plan} plan */
    choose: (plan) => {
      acknowledge.checked = plan.acknowledge === true;
      urgent.checked = plan.urgent === true;
      publish.value = local(plan.publish_at);
      expire.value = plan.expires_at === undefined ? "" : local(plan.expires_at);
      byId("announce-more").open = true;
    },
    clear: () => {
      acknowledge.checked = urgent.checked = false;
      publish.value = expire.value = "";
      byId("announce-more").open = false;
    },
  };
}

/** The field is under "More", which may be closed. @param {Problem} problem */
function shown(problem) {
  byId("announce-more").open = true;
  return problem;
}

/** @param {HTMLInputElement} field @returns {number | null} */
function timeOf({value}) {
  return value === "" ? null : new Date(value).getTime();
}

/** As a field of date and time takes it, by the clock of this device. @param {number} at */
function local(at) {
  const moved = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return moved.toISOString().slice(0, 16);
}

/** Nothing in the past can be chosen. @param {HTMLInputElement[]} fields */
function setBegin(fields) {
  for (const field of fields) field.min = local(Date.now());
}
