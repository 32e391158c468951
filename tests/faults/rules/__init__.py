"""Rules under load: workers on one journal lock and unlock a class and write to it, while the broker carries nothing.

`worker` is one of them, a process; `drill` starts several and looks at what the journal has afterwards.
"""
