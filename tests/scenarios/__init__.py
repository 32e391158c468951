"""What users do, over each transport, in each format, with one worker and with several: the same scenarios for all."""
