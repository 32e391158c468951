"""Every bound on what one client may make us hold or do, each with its reason.

What an administrator may want to change stands in `Limits`; the rest are constants. Sizes are bytes unless the name
says otherwise.
"""

from dataclasses import dataclass

# A frame: the longest text (4,000 characters, at most 4 bytes each in JSON's UTF-8 and 12 when escaped as surrogate
# pairs) fits with its envelope; anything longer is no push of ours.
MAX_FRAME_BYTES = 64 * 1024

# Open connections of one user: the tabs and devices of one person, and those half-open that are not swept yet.
MAX_CONNECTIONS = 50

# Handshakes of one user, at once and then per second: all their devices return together after a restart, a stock client
# tries nine times in its first 4 s, and all of it stays half a percent of the admission rate.
HANDSHAKE_BURST = float(MAX_CONNECTIONS)
HANDSHAKE_RATE = 5.0

# Clients that one worker admits each second, and at once after a pause. A slow machine does not come so far: there
# requests take turns, as many as leave time for those who are connected (server/process/turns). A fast one, where to
# sign in and join three topics takes 0.25 ms, keeps half of its time. Students wait this long for their slot, each
# holding a request of 15 KB: less than stock clients wait for a WebSocket before they fall back to polling (2.5 s).
ADMISSION_RATE = 2_000.0
ADMISSION_BURST = 250.0
MAX_LINE_SECONDS = 2.0

# Topics joined by one connection: a teacher's classes with room to spare; Phoenix' own bound per transport.
MAX_TOPICS = 100

# A user's joins: each costs a look into the journal and a word to the class. At once: two devices with all that may
# be joined; then a page or two a second.
JOIN_BURST = 2.0 * MAX_TOPICS
JOIN_RATE = 5.0

# Characters of one message: two printed pages. Longer texts are documents, not chat.
MAX_TEXT_CHARACTERS = 4_000
MAX_TITLE_CHARACTERS = 200

# Why a message was hidden: a sentence.
MAX_REASON_CHARACTERS = 200

# What somebody adds to a flag, and what staff has done about it: a few sentences.
MAX_REMARK_CHARACTERS = 500

# What a reply or a pin shows of another message: three lines on a phone.
MAX_QUOTE_CHARACTERS = 160

# Replies that quote one message: each is changed when that message is edited or hidden, in one transaction. Further
# ones name it only, and are as rare as a message that a class answers seven times over.
MAX_QUOTES = 200

# Users whom one message mentions: a group that works together. Each is notified; who means more writes to the class.
MAX_MENTIONS = 10

# Reactions to one message: six each of a class of 80, or one each of an assembly's first 500. Every reader of the
# message gets their names, 55 bytes each.
MAX_REACTIONS = 500

# Pinned messages of a class: what one screen lists. Each join carries them.
MAX_PINS = 10

# The longest time between two messages in slow mode: beyond an hour a chat is rather locked, and the state of a class
# keeps who has written within that time.
MAX_SLOW_SECONDS = 3_600

# The longest mute: a week, from one lesson to the next and past a holiday. For longer, a school ends an enrolment.
MAX_MUTE_MINUTES = 7 * 24 * 60

# Why attendance was corrected: a few sentences.
MAX_NOTE_CHARACTERS = 500

# Edits of one message: more than anybody needs in the five minutes that it can be edited. All former texts go into one
# reply, 320 KB at most.
MAX_EDITS = 20

# A push id is chosen by the client; a UUID has 36 characters.
MAX_PUSH_ID_CHARACTERS = 64

# Topic, event and ref names are echoed in every reply.
MAX_NAME_CHARACTERS = 128

# Events in one join reply without `since` (what fits a screen or two), with `since` (a lesson's absence; more is read
# by `history:read`, the bytes bound a reply of long messages), and in one reading.
NEWEST_EVENTS = 50
MAX_MISSED_EVENTS = 1_000
MAX_MISSED_BYTES = 512 * 1024
MAX_HISTORY_EVENTS = 200
MAX_HISTORY_BYTES = 512 * 1024

# Unread events counted beyond those that a client has: nobody reads a number above it, and a count stops there.
MAX_COUNTED_UNREAD = 1_000

# Events of a topic kept encoded in memory: a class that reconnects after a minute's outage is answered without SQL.
RECENT_EVENTS = 300

# Bytes of those events, per topic: 300 of the longest messages would be over a megabyte each class.
MAX_RECENT_BYTES = 256 * 1024

# Announcements that a topic's state carries: a term's worth on one screen; older ones are read as history.
STATE_ANNOUNCEMENTS = 50

# Announcements of the whole school that principals follow: what a school announces in a week or two. A page joins the
# topic of each that it shows, so it is also well below MAX_TOPICS.
STATE_LISTED = 20

# Open flags that a topic's state carries, the oldest: what somebody works through at one sitting; a class in which all
# flag one message has 30. How many there are beyond them it counts.
STATE_FLAGS = 50

# Messages that one user may flag in an hour: who reads a whole quarrel again flags a dozen; who flags everything keeps
# the staff from the flags of others.
MAX_FLAGS_PER_HOUR = 20

# Students of a class whose notes wait for an answer, in the state of its staff's topic: nobody answers more one by one.
STATE_NOTES = 200

# Hands that are up at once: each is in every reply to a join, 70 bytes, and nobody waits behind 200 others.
MAX_HANDS = 200

# A poll's question and options: what is read in a lesson, on a phone; eight options fit on its screen.
MAX_QUESTION_CHARACTERS = 500
MAX_OPTION_CHARACTERS = 200
MAX_OPTIONS = 8

# Polls that are open at once, and the newest closed ones that a topic's state carries: a lesson's worth. Each is in
# every reply to a join, 300 bytes as they are asked, and 2 KB with the longest texts.
MAX_OPEN_POLLS = 4
STATE_CLOSED_POLLS = 4

# Names in one answer to who has voted what: a class whole, of an assembly the first.
MAX_LISTED_VOTES = 500

# Topics that one announcement goes to: the classes of a grade, or all of a teacher's; beyond that there is the school.
# It is one transaction with an event for each.
MAX_TARGETS = 100

# Announcements of one user that wait for their time, and for how long: those of a term, written in its first week; and
# a school year, after which nobody remembers them.
MAX_PLANS = 50
MAX_PLAN_MS = 366 * 24 * 3_600_000

# Answers of which one connection is told what changes: more announcements than a page shows at once.
MAX_FOLLOWED = 50

# Users reminded by one push: a large school. It is one transaction with an event for each, 0.2 s of SQLite's writer.
MAX_REMINDED = 5_000

# Between two reminders of one announcement: those reminded need the time to read it.
REMIND_MS = 10 * 60_000

# Students whose enrolment is recorded when a lesson begins: an assembly, in 16 KB. Of more, those who come are known.
MAX_EXPECTED = 2_000

# Lessons of a class that its register shows: those of a year with two a day. And corrections read with them: for each
# such lesson those of a whole class.
MAX_LESSONS = 500
MAX_CORRECTIONS = 20_000

# What somebody missed: the newest lessons of two weeks, which are a class's in a week with one each day; of each the
# newest announcements, pins and polls, more than a lesson has.
MAX_MISSED_LESSONS = 5
MISSED_DAYS = 14
MAX_MISSED_OF_LESSON = 20

# A search: what somebody types into a field, and the hits of one answer: a screen or two.
MAX_SEARCH_CHARACTERS = 200
SEARCH_HITS = 20

# Characters of a hit's text around what was found: two lines.
MAX_EXCERPT_CHARACTERS = 180

# Searches under way at once on one worker: each reads for some milliseconds, or a second for a word that all use, and
# joins must find a connection free.
MAX_SEARCHING = 2

# Classes of more students than this are told how many are here, not who: each arrival would go to everybody, and
# n arrivals cost n * n. No school's class is larger; an assembly is.
MAX_LISTED_STUDENTS = 200

# Names in one answer to who has read: a class whole; of a school the first ones, and how many.
MAX_LISTED_READERS = 200

# A user's pushes may come in a burst of this many seconds' worth of their rate: unsent messages after an outage.
BURST_SECONDS = 3.0

# What a client may send, in frames of any kind per second, and at once: joining MAX_TOPICS topics, leaving them and
# joining again. All that it sends is paid for from this one budget; past it the connection ends (1008). A user's next
# connection starts with what the last one has left: to connect again brings no new budget.
FRAME_RATE = 50.0
FRAME_BURST = 300.0

# A message costs a frame for each 8 KiB, and at least one: the burst carries thirty of the longest texts, also where
# they are escaped, and the rate 400 KiB of JSON a second.
BYTES_OF_A_FRAME = 8 * 1024

# The part of a frame that a read from a socket costs when it completes none (15 µs): a frame that comes byte by byte is
# paid for, and the longest text costs 3 or 4 frames more where each packet of 1,400 bytes is read by itself.
READ_COST = 0.1

# A connection that sends nothing for this long is dead: stock clients send a heartbeat every 30 s, but browsers let a
# page in the background do so only once a minute.
IDLE_SECONDS = 90.0

# How often connections are looked through for idle ones; half-open ones are noticed within IDLE + SWEEP seconds.
SWEEP_SECONDS = 5.0

# A poll is held this long when there is nothing to answer: Phoenix' own window, of whose double its clients wait.
POLL_SECONDS = 10.0

# A long-poll session is over this long after its last poll began: one held to the end, and the 15 s that Phoenix gives,
# room for one that is lost and its repetition.
LONGPOLL_IDLE_SECONDS = POLL_SECONDS + 15.0

# A session that has ended can still be polled for its last messages and the reason, by a client that was between polls.
LAST_POLL_SECONDS = 15.0

# The least time between two answers to one client: in a storm each carries what has gathered (40 polls a second are
# within FRAME_RATE, and 25 ms are not felt). The first after a pause goes at once.
MIN_POLL_INTERVAL_SECONDS = 0.025

# Ephemeral messages that wait for the next poll: everybody in a class who begins to type within one round trip.
MAX_EPHEMERAL = 32

# One POST: the frames that one connection may send at once, and their bytes: four of the longest, or a hundred messages
# of a page each. A longer one is refused whole before anything in it is done.
MAX_POST_FRAMES = int(FRAME_BURST)
MAX_POST_BYTES = 4 * MAX_FRAME_BYTES

# POSTs of one session at once: clients keep one in flight; a second may overtake the answer to the first.
MAX_PUSHES_WAITING = 2

# Bytes of replies that wait for a client before its next message is handled: in a poll's next answer, or at the end of
# the turn of a socket. And how long a POST waits for that.
REPLY_ROOM_BYTES = 64 * 1024
PUSH_SECONDS = 10.0

# Long-poll sessions from one address on one worker: all pupils of a large school behind one address; half of what a
# worker holds, so that nobody takes it all from there.
MAX_SESSIONS_OF_ADDRESS = 10_000

# Calls to other workers that await a response, and the bytes of their requests: one for each connection that a worker
# holds, and what the broker carries in a few seconds.
MAX_RPC_CALLS = 20_000
MAX_RPC_BYTES = 32 * 1024 * 1024

# Runs of one push: each further one means that somebody changed the rules of the class in the milliseconds before, and
# classes are locked and unlocked by hand.
MAX_RUNS = 8

# A topic without members is kept loaded this long, for the pupil who reloads the page.
TOPIC_LINGER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds that settings may change.

    push_rate: pushes per second and user; 0 lifts it, and the frame rate with it (for measurements).
    max_outbox_bytes: what may wait for one client that reads too slowly, before it is closed as TOO_SLOW; some
        seconds of a busy class on a poor line.
    max_appending: pushes of one connection that wait for the journal: a bound on what one client can queue.
    """

    push_rate: float = 10.0
    max_outbox_bytes: int = 1024 * 1024
    max_appending: int = 256
