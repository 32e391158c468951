"""Processes and what they stand on: workers, listening sockets, a private Redis, garbage collection, health."""
