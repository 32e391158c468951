"""What happens in a class, one file per feature: its payload types, what its pushes do, how its events fold.

A new feature is one file here, a line in one of these lists, its name in the rows of `channels.topics.kind`, and its
actions in the roles' files.
"""

from channels.lesson import announcing
from channels.lesson.announced import Announced
from channels.lesson.announcements import Announcements
from channels.lesson.dashboard import Dashboard
from channels.lesson.flags import FlaggedClasses, Flags
from channels.lesson.hands import Called, Hands
from channels.lesson.hours import ClassOpening
from channels.lesson.lessons import LastLesson, Lessons
from channels.lesson.lock import Lock
from channels.lesson.mute import Mutes, Restrictions
from channels.lesson.notes import Notes
from channels.lesson.pins import Pins
from channels.lesson.polls import Polls
from channels.lesson.slow import Slow

# What topics fold from their events.
FEATURES = (
    Announced,
    Announcements,
    Called,
    ClassOpening,
    FlaggedClasses,
    Flags,
    Hands,
    Lock,
    Mutes,
    Notes,
    Pins,
    Polls,
    Restrictions,
    Slow,
    Lessons,
    LastLesson,
)

# What topics show of who is where and what is counted.
LIVE_VIEWS = (Dashboard,)

# What timers run (`Append.timer`), by the action's event.
TIMED = {action.event: action for action in (announcing.PUBLISH,)}
