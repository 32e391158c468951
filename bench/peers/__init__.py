"""Servers that do the same job by other means, to be measured beside Lousa.

Each is written as the documentation of its library leads to, and does what the load generator needs and nothing else:
nobody signs in, nothing is stored, checked or bounded. A client that sends `message:send` in a class is answered, and
all who have joined that class get the message, numbered and with its author: the bytes that Lousa would send, or, where
a library has a protocol of its own, the same content in its frames. Pings are turned off everywhere, so that no peer
pays for them while it is measured.
"""
