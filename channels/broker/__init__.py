"""Fan-out between workers that may lose, repeat and reorder: the interface, in memory, over Redis."""
