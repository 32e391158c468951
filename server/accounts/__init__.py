"""People, how they sign in, and what that gives them."""
