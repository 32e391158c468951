"""Topics on one worker: their order, their fan-out to sessions, and the reading of what they lack."""
