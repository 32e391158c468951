"""Rules under load: workers on one journal lock and unlock a class and send to it while Redis is frozen.

`worker` is one worker process; `drill` starts several and checks the journal afterwards.
"""
