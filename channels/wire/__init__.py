"""Messages to bytes and back, without I/O: the codecs, and WebSocket frames."""
