"""WebSocket and long-polling: how clients are let in, and how bytes travel."""
