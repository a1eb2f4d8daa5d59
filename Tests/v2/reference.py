"""The state machine of a tunnel of protocol version 2 (docs/protocol-v2.md section 6), as its executable reference has it.

Written before the kit's own machine (Sources/WstanKit/Tunnel/V2/TunnelLife.swift) and without a look at it. Tests/v2/schedules.py makes
schedules with its verdicts, to which the kit's machine is held.
"""

NOP, DATA, FIN, RESET, OK, PING, PONG, REKEY, BYE, ACK, DATAAT, DGRAM, PACKET, NEED = range(0x00, 0x0E)
CONNECT, ASSOCIATE, LISTEN, PARK, INCOMING, NETWORK, RESUME = range(0x10, 0x17)
KNOWN = {*range(NOP, NEED + 1), *range(CONNECT, RESUME + 1)}
REQUESTS = range(0x10, 0x20)  # those that are not known are answered with RESET 7

CARGO = {CONNECT: "stream", INCOMING: "stream", RESUME: "stream", ASSOCIATE: "datagrams", NETWORK: "packets"}
CARRIED = {"stream": (DATA, DATAAT, ACK), "datagrams": (DGRAM,), "packets": (PACKET,), "none": ()}
CONTENT = (DATA, DATAAT, DGRAM, PACKET)
MOST_AWAITED = 255


class Violation(Exception):
    """The tunnel is closed at once."""


class Machine:
    """Who may send what, and which connection it belongs to. started: requests so far; connection i's segment of one side is over
    when that side's count of terminators (FIN or RESET) is above i."""

    def __init__(self, client):
        self.client = client
        self.started = self.tx_done = self.rx_done = 0
        self.parked = self.aborted = self.answered = self.mine = False
        self.kind = None

    tx_open = property(lambda self: self.tx_done < self.started)
    rx_open = property(lambda self: self.rx_done < self.started)
    idle = property(lambda self: not self.tx_open and not self.rx_open)
    current = property(lambda self: self.started - 1)

    def _begin(self, kind, mine):
        self.started += 1
        self.aborted = self.answered = False
        self.kind, self.mine = kind, mine

    def send_request(self, kind):
        if kind == INCOMING:
            assert not self.client and self.parked
            self.parked = False
        else:
            assert self.client and not self.parked and not self.tx_open and (self.idle or self.aborted)
            if kind == PARK:
                assert self.idle
                self.parked = True
                return
        self._begin(kind, True)

    def send(self, kind):
        """DATA and its like, FIN, OK. The asked side says OK before anything else."""
        assert self.tx_open and not (self.mine and kind == OK)
        if kind == FIN:
            self.tx_done += 1

    def abort(self):
        """-> the connection that the RESET to send names, or None when there is nothing left to abort."""
        if self.idle or self.aborted:
            return None
        if self.tx_open:
            self.tx_done += 1
        self.aborted = True
        return self.current & 255

    def receive(self, kind, conn=0):
        """conn: of RESET and ACK. -> ('deliver' | 'ignore' | 'request' | 'parked' | 'reset', the connection that a RESET 0 to send
        names, or None). Raises Violation."""
        if kind in (NOP, PING, PONG, REKEY, BYE, NEED):
            return "deliver", None
        if kind == ACK:  # may follow the sender's own FIN, so it names its connection
            mine = self.started and conn == self.current & 255 and not self.aborted
            return ("deliver" if mine else "ignore"), None
        if kind in REQUESTS:
            if self.client != (kind == INCOMING):
                raise Violation("request of the wrong side")
            if kind == INCOMING:
                if not self.parked:
                    raise Violation("not parked")
                self.parked = False
            elif self.parked or not self.idle:
                raise Violation("not idle")
            if kind == PARK:
                self.parked = True
                return "parked", None
            self._begin(kind, False)
            return "request", None
        if kind == RESET:
            if self.rx_open and conn == self.rx_done & 255:
                mine = self.rx_done == self.current
                self.rx_done += 1
            elif self.tx_open and conn == self.current & 255:
                mine = True  # its segment had ended: only a signal
            else:
                return "ignore", None  # of a connection that is over
            if not mine:
                return "ignore", None
            reply = None
            if self.tx_open:
                self.tx_done += 1
                reply = self.current & 255
            told = "ignore" if self.aborted else "reset"
            self.aborted = True
            return told, reply
        if kind >= 0x40:
            return "ignore", None  # room for what is not known yet
        if kind not in KNOWN:
            raise Violation("unknown type")
        if not self.rx_open:
            raise Violation("no connection")
        live = self.rx_done == self.current and not self.aborted
        if kind == OK and live:
            if not self.mine or self.answered:
                raise Violation("OK out of turn")
            self.answered = True
        elif live and self.mine and not self.answered:
            raise Violation("before OK")
        if kind == FIN:
            self.rx_done += 1
        return ("deliver" if live else "ignore"), None


class Life(Machine):
    """Kinds of connections, OK first, BYE, who sends NEED; a request of at most 255 that await the peer's end."""

    cargo, said, draining, peer_drains, signal = "none", False, False, False, False

    def _begin(self, kind, mine):
        super()._begin(kind, mine)
        self.cargo = "datagrams" if self.udp else CARGO.get(kind, "none")
        self.said = False

    def may(self, kind):
        if kind == BYE:
            return True
        if kind == INCOMING:
            return not self.client and self.parked and not self.draining
        if kind in REQUESTS:
            free = self.idle or (self.aborted and not self.tx_open and kind != PARK)
            return self.client and not self.parked and free and not self.draining and self.started - self.rx_done < MOST_AWAITED
        if kind == OK:
            return self.tx_open and not self.mine and not self.said
        return self.tx_open and (self.mine or self.said) and (kind == FIN or kind in CARRIED[self.cargo])

    def do(self, kind, udp=False):
        self.udp = udp
        if kind == BYE:
            self.draining = True
        elif kind in REQUESTS:
            self.send_request(kind)
        else:
            self.send(kind)
            self.said = self.said or kind == OK

    def receive(self, kind, conn=0, udp=False):
        self.udp = udp
        if kind == NEED and not self.client:
            raise Violation("only a server sends it")
        self.signal = kind == RESET and not (self.rx_open and conn == self.rx_done & 255)
        what, reply = super().receive(kind, conn)
        if kind in (*CONTENT, ACK) and what == "deliver" and kind not in CARRIED[self.cargo]:
            raise Violation("not of this kind of connection")
        if kind == BYE:
            self.draining = self.peer_drains = True
        if what == "request" and self.draining:
            what = "refuse"
        if what == "reset" and self.signal:
            what = "signal"
        return what, reply

    def state(self):
        flags = (("i", self.idle), ("p", self.parked), ("a", self.aborted), ("o", self.peer_drains and self.idle))
        return f"|{self.started},{self.tx_done},{self.rx_done},{''.join(f for f, holds in flags if holds)}"
