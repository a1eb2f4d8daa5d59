"""What a pair carries, and how its two ends meet."""
