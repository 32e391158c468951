"""What happens in a class, one file per feature: its payload types, what its pushes do, how its events fold."""
