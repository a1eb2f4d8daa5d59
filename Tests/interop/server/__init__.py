"""The server: requests, whom it refuses, where it lets its clients go."""
