"""Protocol version 2 (docs/protocol-v2.md) beside the kit: its state machine's reference, and a peer over sockets.

reference, schedules                                      the state machine, and random schedules with its verdicts
keys, noise, handshake, records, messages, carriers       the codec, which test_vectors holds to the vectors
websocket, tunnel, streams, datagrams                     a tunnel of either end, and what it carries
client, socks, server, faults                             the two ends
peer                                                      the command
"""
