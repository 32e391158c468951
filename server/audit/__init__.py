"""The audit log: what was done that a school accounts for, and who may read it."""
