"""Protocol version 2 (docs/protocol-v2.md) beside the kit: its state machine's reference, and a peer over sockets."""
