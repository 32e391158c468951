"""Measurements of Lousa, each beside a peer that does the same job, in one run: see docs/performance.md."""
