"""The control socket and wstanctl."""
