"""The durable, ordered log of every topic, and its writers for SQLite and PostgreSQL."""
