"""What workers tell each other: presence, message rates, requests for another worker."""
