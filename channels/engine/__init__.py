"""One worker's engine: what it does with each message, and what happens without being asked."""
