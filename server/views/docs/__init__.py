"""What developers of clients read: the protocol, as this server speaks it. Anybody may see it."""

from server.views.docs.docs import Protocol, ProtocolDocument

handlers = [
    (r"/docs/protocol", Protocol),
    (r"/docs/protocol\.json", ProtocolDocument),
]
