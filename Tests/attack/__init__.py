"""Floods by strangers and by a holder of a key, and what they do to everybody else.

`floods` has one script for each kind. test_floods.py runs them against a server that has genuine clients: small and short as
a part of Tests/interop, and with $WSTAN_FIGURES as the measurement of docs/security.md (Tests/attack/run).
"""
