"""Servers that do the same job by other means, to be measured beside Lousa."""
