"""Processes and their surroundings: workers, listening sockets, a private Redis, garbage collection, health."""
