"""Floods in a process of their own."""
import os
import resource

from attack.forked import Forked
from attack.fountain import Fountain

ROUNDS = 16  # between two looks at whether it is over


class Attackers(Forked):
    """Runs a flood, from `tell` to `stop`, which returns how many rounds it has made."""

    def __init__(self, make_flood, core=None):
        """`make_flood` gets the port of a target that never stops sending."""
        super().__init__(self._attack, make_flood, core)

    @staticmethod
    def _attack(control, make_flood, core):
        if core is not None:
            os.sched_setaffinity(0, {core})
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        fountain = Fountain()
        control.recv()
        for made, _ in enumerate(make_flood(fountain.port).rounds()):
            if made % ROUNDS == 0 and control.poll():
                control.send(made)
                return
