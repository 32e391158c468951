"""Benchmarks of Lousa, each next to peers that do the same job, in one run: see docs/performance.md."""
