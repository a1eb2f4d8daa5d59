"""The other ends: user agents, targets, and the protocol written a second time."""
