"""User scenarios; each runs over every transport and format, with one worker and with four."""
