"""The control socket, from either side."""
