"""One client as a state machine without I/O, and the table of those that are connected."""
