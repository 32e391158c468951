"""Pushes: from a client's event to the effects of its action.

    the role's rule -> the payload's type -> the topic's state (features' rules) -> the action -> its effects
                                                                                                     |
                        reply ok {seq} <- other effects <- one transaction for all that is appended <-+

An append carries the position of the governing event that its push was checked against. Where the journal finds a newer
one (another worker has just locked the class), nothing is stored: this worker reads on and runs the push again, as if
it had come after that event (`rerun`). Until then the session's later messages wait, so that a client's pushes stay in
order. The same holds where a rule depends on what the author has done before, and the journal finds something newer.

A push that is sent again under its id is answered as the first time, also where a rule forbids it by now.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable
from functools import partial
from itertools import count
from typing import Any

import msgspec

from channels.cluster.bus import Bus
from channels.engine.audit import AuditTrail
from channels.engine.entries import Others, choice_entry, entries_of, others_of
from channels.engine.failure import Failures
from channels.engine.follows import Asked, Follows
from channels.engine.rerun import Reruns
from channels.engine.tallies import Tallies
from channels.errors import Code, Refused
from channels.event import Nothing
from channels.journal.entry import Checked, Mark, Receipt, Superseded
from channels.journal.journal import Journal
from channels.lesson.feature import (
    Action,
    Append,
    Appended,
    Chosen,
    Effect,
    Follow,
    KeepChoice,
    KeepMark,
    Notify,
    Publish,
    Push,
    Record,
    Reply,
    Several,
)
from channels.lesson.rules import RuleBook
from channels.limit import Limits
from channels.member import Authority, Member
from channels.sessions.session import Session
from channels.topics.hub import Hub
from channels.topics.kind import user_topic
from channels.topics.topic import Topic
from channels.wire.codec import ClientMessage

# The channel on which workers tell each other read marks; no client can join it.
READS = "reads"

# What a session's pushes are checked against (`Session.checked`) while one is under way whose rule depends on its
# author's earlier events: no push is checked so, and the next one waits.
_ALONE = -1


class PendingPush(msgspec.Struct, frozen=True):
    """A push on its way into the journal; the message is without its payload, which would keep the whole frame.

    `number` is its place among the pushes of this worker; `runs` counts how often the action has run.
    """

    session: Session
    message: ClientMessage
    topic: str
    action: Action[Any, Any]
    payload: Any
    number: int
    runs: int = 1

    @property
    def stores_choice(self) -> bool:
        """Whether the action stores a choice about the event at `payload.target`, and no event."""
        return self.action.reply is Chosen


class Pushes:
    """Runs pushes and carries out their effects."""

    def __init__(
        self,
        hub: Hub,
        bus: Bus,
        journal: Journal,
        authority: Authority,
        rules: RuleBook,
        limits: Limits,
        audit: AuditTrail,
    ) -> None:
        self._audit = audit
        self.failures = failures = Failures()
        self.pushed: Counter[str] = Counter()  # by event, since the start
        self._hub = hub
        self._bus = bus
        self._journal = journal
        self._authority = authority
        self._rules = rules
        self._limits = limits
        self._marks = msgspec.msgpack.Decoder(Mark)
        self.reruns: Reruns[PendingPush] = Reruns(self, failures)
        self.follows = Follows(hub, rules, self.ask_again)
        self._tallies = Tallies(journal, self._publish)
        self._settling: dict[Session, asyncio.Future[None]] = {}
        self._numbers = count()

    async def close(self) -> None:
        """Give up the pushes that wait to run again; their clients send them again."""
        await self.reruns.close()
        await self._tallies.close()

    async def settle(self, session: Session) -> None:
        """Wait until all pushes of a session are stored or refused."""
        while session.appending or session in self.reruns.tasks:
            await self.appends_settled(session)
            if session in self.reruns.tasks:
                await self.reruns.wait(session)

    async def appends_settled(self, session: Session) -> None:
        """Wait until no push of a session is on its way into the journal."""
        while session.appending:
            settled = self._settling.setdefault(session, asyncio.get_running_loop().create_future())
            await asyncio.shield(settled)

    def push(self, session: Session, message: ClientMessage) -> Awaitable[None] | None:
        """Carry out a push and reply; where an awaitable comes back, something is read first. Raises `Refused`."""
        subscription = session.subscriptions.get(message.topic)
        if subscription is None:
            raise _not_joined(message)
        topic = self._hub.topics[subscription.topic]
        action = self._action(session, message, topic)
        self.pushed[action.event] += 1
        payload = session.wire.read(message.payload, action.payload)
        return self._run(PendingPush(session, message.bare(), topic.name, action, payload, next(self._numbers)), topic)

    def _action(self, session: Session, message: ClientMessage, topic: Topic) -> Action[Any, Any]:
        rule = self._rules.rule(session.member, topic.address)
        action = rule.actions.get(message.event)
        if action is not None:
            if session.member.only_reads and not action.reads:
                raise Refused(Code.FORBIDDEN, f"this token only reads: it may not do {message.event}")
            if message.event in self._authority.withheld.get(session.member.user.role, ()):
                raise Refused(Code.FORBIDDEN, f"the school does not want you to do {message.event}")
            return action
        if message.event in self._rules.known_events:
            raise Refused(rule.refusal, f"you may not do {message.event} on {message.topic}")
        raise Refused(Code.UNKNOWN_EVENT, f"there is no event {message.event!r}")

    def _run(self, pending: PendingPush, topic: Topic) -> Awaitable[None] | None:
        session, action = pending.session, pending.action
        # Before anything is read: what changes meanwhile supersedes the push, and it runs again.
        governed, known = topic.state.governed, topic.seq
        if session.appending and session.checked != governed and pending.runs == 1:
            # Pushes under way were checked against an older state: they may have to run again, and go first.
            return self._run_settled(pending)
        push = self._push_of(pending, topic)
        try:
            by_author = topic.state.check(push, action)
            effect = action.run(push)
        except Refused as refusal:
            if action.key(push) is None:
                raise
            return self._reply_as_before(pending, push, refusal)
        checked = Checked(topic.name, governed, known if by_author else None)
        if isinstance(effect, Append):
            self._store(pending, push, effect, (), checked)
            return None
        if isinstance(effect, Record):
            return self._record(pending, push, effect)
        if isinstance(effect, Effect):
            self._carry_out(pending, push, effect, checked)
            return None
        return self._carry_out_later(pending, push, effect, checked)

    def _push_of(self, pending: PendingPush, topic: Topic) -> Push[Any]:
        return self.push_by(pending.session.member, topic, pending.payload)

    def push_by(self, member: Member, topic: Topic, payload: Any) -> Push[Any]:
        """Make a push by a member, now, for an action; a member of no known role is not staff."""
        rules = self._rules
        role = rules.by_name.get(member.user.role)
        is_staff = role is not None and role.is_staff
        journal, authority = self._journal, self._authority
        known = rules.counted, rules.reach, rules.readable
        return Push(member, is_staff, topic, payload, _now(), journal, authority, *known)

    async def _run_settled(self, pending: PendingPush) -> None:
        await self.settle(pending.session)
        async with self._hub.holding(pending.topic) as topic:
            work = self._run_checked(pending, topic)
            if work is not None:
                await work

    def _run_checked(self, pending: PendingPush, topic: Topic) -> Awaitable[None] | None:
        # The right may have gone, or the topic been left, while something was awaited.
        self._check_again(pending, topic)
        return self._run(pending, topic)

    def _check_again(self, pending: PendingPush, topic: Topic) -> None:
        if pending.message.topic not in pending.session.subscriptions:
            raise _not_joined(pending.message)
        self._action(pending.session, pending.message, topic)

    async def _reply_as_before(self, pending: PendingPush, push: Push[Any], refusal: Refused) -> None:
        # A retry of what was stored before the rule came is not the push that the rule forbids.
        receipt = await self._receipt(pending, push)
        if receipt is None:
            raise refusal
        self._reply_stored(pending, receipt)

    async def _receipt(self, pending: PendingPush, push: Push[Any]) -> Receipt | None:
        author_id, key = push.member.user.id, pending.action.key(push)
        assert key is not None
        if not pending.stores_choice:
            return await self._journal.receipt(pending.action.stores_in(push), author_id, key)
        target = pending.payload.target
        has_chosen = await self._journal.has_chosen(push.topic.name, target, author_id, key)
        return Receipt(target, 0, fresh=False) if has_chosen else None

    def _reply_stored(self, pending: PendingPush, receipt: Receipt) -> None:
        stored = Chosen(receipt.seq) if pending.stores_choice else _response(pending.action, receipt)
        pending.session.reply(pending.message, stored)

    async def _carry_out_later(
        self, pending: PendingPush, push: Push[Any], effect: Awaitable[Effect[Any]], checked: Checked
    ) -> None:
        try:
            done = await effect
        except Refused as refusal:
            if pending.action.key(push) is None:
                raise
            await self._reply_as_before(pending, push, refusal)
            return
        if isinstance(done, Record):
            await self._record(pending, push, done)
            return
        self._check_again(pending, push.topic)
        self._carry_out(pending, push, done, checked)

    # Effects

    def _carry_out(self, pending: PendingPush, push: Push[Any], effect: Effect[Any], checked: Checked) -> None:
        first, others = (effect.first, effect.others) if isinstance(effect, Several) else (effect, ())
        if isinstance(first, Append | KeepChoice):
            self._store(pending, push, first, others, checked)
            return
        for each in others if isinstance(first, Reply | Follow) else (first, *others):
            self.do(push.topic, each)
        pending.session.reply(pending.message, first.response if isinstance(first, Reply | Follow) else Nothing())
        if isinstance(first, Follow):
            self.follows.follow(pending.session, Asked(pending.message.topic, pending.action, pending.payload), first)

    async def ask_again(self, session: Session, asked: Asked) -> Follow[Any]:
        """Run the action of a push that was answered with `Follow`; raises `Refused`, `Unavailable`."""
        topic = self._hub.topics[session.subscriptions[asked.topic].topic]
        effect = asked.action.run(self.push_by(session.member, topic, asked.payload))
        answer = effect if isinstance(effect, Effect) else await effect
        if not isinstance(answer, Follow):
            raise TypeError(f"{asked.action.event} has answered with {type(answer).__name__} in place of Follow")
        return answer

    async def _record(self, pending: PendingPush, push: Push[Any], effect: Record[Any]) -> None:
        # The right is checked before, so that nothing is recorded that is not done, and after, as after each wait.
        self._check_again(pending, push.topic)
        user, topic = pending.session.member.user, push.topic.name
        push_key = pending.action.key(push)
        key = f"{effect.kind}:{user.id}:{topic}:{push_key}" if push_key is not None else None
        subject = effect.subject_id
        await self._audit.record(effect.kind, user, topic=topic, target=effect.target, subject_id=subject, key=key)
        self._check_again(pending, push.topic)
        pending.session.reply(pending.message, effect.response)

    def do(self, topic: Topic, effect: Effect[Any]) -> None:
        """Carry out an effect of a push in this topic that stores no event."""
        if isinstance(effect, Publish):
            self._publish(topic.name, effect)
        elif isinstance(effect, Notify):
            self._hub.flash(user_topic(effect.user_id), effect.event.name, effect.event.encode(effect.payload))
        elif isinstance(effect, KeepMark):
            self._keep_mark(topic, effect.mark)
        elif isinstance(effect, KeepChoice):  # which is stored by now
            self._tallies.note(topic.name, effect.target, effect.tell)
        else:
            raise TypeError(f"{type(effect).__name__} must be the first effect of its push")

    def _publish(self, topic: str, effect: Publish[Any]) -> None:
        self._hub.flash(effect.topic or topic, effect.event.name, effect.event.encode(effect.payload))

    def _keep_mark(self, topic: Topic, mark: Mark) -> None:
        self._journal.mark_read(mark)
        topic.reads[mark.user_id] = mark.seq

    def publish_mark(self, mark: Mark) -> None:
        """Publish on READS a read mark that is stored: a worker that does not know it now finds it in the journal."""
        self._bus.publish(READS, msgspec.msgpack.encode(mark))

    def receive_mark(self, data: bytes) -> None:
        """Take a read mark that another worker has stored; where the broker loses it, a client marks what it shows."""
        mark = self._marks.decode(data)
        topic = self._hub.topics.get(mark.topic)
        if topic is not None:
            topic.reads[mark.user_id] = max(mark.seq, topic.reads.get(mark.user_id, 0))

    def _store(
        self,
        pending: PendingPush,
        push: Push[Any],
        first: Append[Any] | KeepChoice,
        others: Others,
        checked: Checked,
    ) -> None:
        session = pending.session
        if session.appending >= self._limits.max_appending:
            raise Refused(Code.OVERLOADED, "too many of your messages wait to be stored", retry_after=1_000)
        action = pending.action
        key = action.key(push)
        if isinstance(first, KeepChoice):
            entries = [choice_entry(push, first, action), *others_of(push, others)]
            others = (*others, first)
        else:
            entries = entries_of(push, first, others, action.stores_in(push), key)
        done = partial(self._stored, pending, push.topic, others)
        self._journal.append(entries, done, checked)
        session.appending += 1
        session.checked = checked.governed if checked.own is None else _ALONE

    def _stored(
        self,
        pending: PendingPush,
        topic: Topic,
        others: Others,
        outcome: Receipt | Superseded | Refused,
    ) -> None:
        session = pending.session
        session.appending -= 1
        if isinstance(outcome, Receipt):
            for each in others if outcome.fresh else ():
                if not isinstance(each, Append):
                    self.do(topic, each)
            self._reply_stored(pending, outcome)
        elif isinstance(outcome, Superseded):
            self.reruns.add(session, pending, outcome)
        else:
            self.failures.refuse(session, pending.message, outcome)
        if not session.appending and self._settling:
            self._settled(session)

    def _settled(self, session: Session) -> None:
        settled = self._settling.pop(session, None)
        if settled is not None:
            settled.set_result(None)

    def may_follow(self, pending: PendingPush) -> bool:
        """Tell whether a push would be checked as those of its session that are under way were."""
        topic = self._hub.topics.get(pending.topic)
        return topic is not None and pending.session.checked == topic.state.governed

    async def run_again(self, pending: PendingPush, superseded: Superseded) -> None:
        """Run a push once its topic has reached the events that it was not checked against."""
        async with self._hub.holding(pending.topic) as topic:
            await self.catch_up(topic, superseded)
            work = self._run_checked(msgspec.structs.replace(pending, runs=pending.runs + 1), topic)
            if work is not None:
                await work

    async def catch_up(self, topic: Topic, superseded: Superseded) -> None:
        """Read on until a topic has reached what superseded a push; raises `Refused` where it cannot."""
        governed = superseded.governed
        if topic.state.governed < governed or topic.seq < superseded.own:
            await self._hub.recover(topic)
        if topic.state.governed < governed <= topic.seq:
            # No feature here folds the event, or the journal does not have it any more: its row was deleted by hand.
            topic.state.governed = governed
        if topic.state.governed < governed or topic.seq < superseded.own:
            raise Refused(Code.UNAVAILABLE, "the message could not be stored; send it again", retry_after=2_000)


def _response(action: Action[Any, Any], receipt: Receipt) -> Appended | Nothing:
    return Nothing() if action.reply is Nothing else Appended(receipt.seq, receipt.at)


def _not_joined(message: ClientMessage) -> Refused:
    return Refused(Code.UNMATCHED_TOPIC, f"{message.topic} is not joined")


def _now() -> int:
    return time.time_ns() // 1_000_000
