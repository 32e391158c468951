"""Kills the server under load and checks, from what clients saw, that no acknowledged message was lost.

For the reasons see docs/notes/faults.md.
"""
