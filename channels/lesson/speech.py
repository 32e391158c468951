"""Students' pushes by who gets them, for the rules that forbid some: locked chat, slow mode, mute, a class's hours.

Events are named here and not imported, so that a rule knows nothing more of the features whose pushes it forbids.
"""

# What reaches the class: words, signs below others' words, and that somebody is writing.
TO_CLASS = frozenset(
    {
        "message:send",
        "message:edit",
        "message:restore",
        "message:react",
        "message:unreact",
        "typing:start",
    }
)

# What reaches the class's staff only.
TO_STAFF = frozenset({"note:send"})

# What a student may do at any hour: read, take something back, report, confirm. A push that is not named here, such as
# that of a new feature, waits for the hours of the class.
AT_ANY_HOUR = frozenset(
    {
        "history:read",
        "hours:read",
        "read:mark",
        "unread:count",
        "message:hide",
        "message:flag",
        "announcement:acknowledge",
        "hand:lower",
        "poll:mine",
        "acknowledged:read",
        "lesson:missed",
    }
)
