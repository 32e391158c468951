"""Kills the server in the middle of traffic, and checks from what clients saw that nothing acknowledged was lost.

The reasons: docs/notes/faults.md.
"""
