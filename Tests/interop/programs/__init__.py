"""Programs of others through the pair."""
