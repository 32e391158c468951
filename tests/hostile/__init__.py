"""Attacks on a running server, and what its other users notice of them."""
