"""The client: its listeners, what user agents say there, and its way to the server."""
