#!/usr/bin/env python3
"""Random schedules of a tunnel of protocol version 2, with the verdicts of the reference's machine on them.

    PYTHONPATH=Tests python3 -m v2.schedules COUNT [SEED]    writes COUNT of them, one a line; the same ones for the same seed (2)

TunnelLifeScheduleTests runs them through the kit's machine: a few hundred that are kept in Tests/WstanKitTests/Vectors/v2, and the
100,000 of Tests/v2/run. Half of them are what an end sees of an honest conversation over two pipes, half what one end makes of a peer
that says anything. A line:

    C|S      the side
    *N       N connections that were asked for and reset at once have gone before
    >TT.     it may send type TT (hexadecimal), and does; >TT! it may not. 12 is a LISTEN for TCP, 12u one for UDP
    ~CC      it aborts: the RESET to send names connection CC; ~- nothing is left to abort
    <TTv     it receives type TT; RESET and ACK (03, 09) have their connection behind it. Then the verdict: d deliver, i ignore,
             q a request to carry out, x one to refuse with RESET 20, p parked, t tell the near end of a reset, s of a signal,
             v a violation, which ends the line; then =CC: a RESET 0 is sent that names CC
    |A,B,C,F requests, own and peer's segments that have ended; F: i idle, p parked, a aborted, o over, in this order
"""
import random
import sys

from v2.reference import *


class End:
    """One side, and the line that is written of it."""

    VERDICTS = dict(deliver="d", ignore="i", request="q", refuse="x", parked="p", reset="t", signal="s")

    def __init__(self, client, rounds=0):
        self.life, self.line, self.over = Life(client), ["C" if client else "S"], False
        if rounds:
            self.line.append(f"*{rounds}")
            for _ in range(rounds):
                (self.life.do if client else self.life.receive)(CONNECT)
                conn = self.life.abort()
                self.life.receive(RESET, conn)

    def try_to_send(self, kind, udp=False):
        name = f">{kind:02x}" + ("u" if udp else "")
        may = self.life.may(kind)
        self.line.append(name + (".!"[not may]))
        if may:
            self.life.do(kind, udp)
        return may

    def abort(self):
        conn = self.life.abort()
        self.line.append("~-" if conn is None else f"~{conn:02x}")
        return conn

    def receive(self, kind, conn=0, udp=False):
        name = f"<{kind:02x}" + (f"{conn:02x}" if kind in (RESET, ACK) else "u" if udp else "")
        try:
            what, reply = self.life.receive(kind, conn, udp)
        except Violation:
            self.line.append(name + "v")
            self.over = True
            return None
        self.line.append(name + self.VERDICTS[what] + ("" if reply is None else f"={reply:02x}"))
        return what, reply

    def text(self):
        return " ".join(self.line if self.over else [*self.line, self.life.state()])


def conversation(rnd):
    """Both ends, honest, over two pipes that lose nothing."""
    rounds = rnd.choice((0, 0, 0, 0, 0, 0, 0, 253, 255, 511))
    ends = [End(True, rounds), End(False, rounds)]
    pipes = [[], []]  # what is on its way to each

    def send(side, kind, conn=0, udp=False):
        if kind == RESET or ends[side].try_to_send(kind, udp):
            pipes[1 - side].append((kind, conn, udp))

    def hear(side):
        kind, conn, udp = pipes[side].pop(0)
        result = ends[side].receive(kind, conn, udp)
        assert result, ("an honest peer is never wrong", ends[side].text())
        what, reply = result
        if reply is not None:
            send(side, RESET, reply)
        if what == "refuse":
            abort(side)

    def abort(side):
        conn = ends[side].abort()
        if conn is not None:
            send(side, RESET, conn)

    for _ in range(rnd.randrange(10, 90)):
        side = rnd.randrange(2)
        life, luck = ends[side].life, rnd.random()
        if pipes[side] and luck < 0.5:
            hear(side)
        elif luck < 0.62 and life.may(CONNECT):
            kind = rnd.choice((CONNECT,) * 5 + (ASSOCIATE, LISTEN, NETWORK, RESUME, PARK, 0x1F))
            send(side, kind, udp=kind == LISTEN and rnd.random() < 0.5)
        elif luck < 0.7 and life.may(INCOMING):
            send(side, INCOMING)
        elif luck < 0.8 and life.may(OK):
            send(side, OK)
        elif luck < 0.92:
            kind = rnd.choice((*(kind for kind in CARRIED[life.cargo]), FIN))
            if kind == ACK:
                if life.started and not life.aborted:
                    pipes[1 - side].append((ACK, life.current & 255, False))
            elif life.may(kind):
                send(side, kind)
        elif luck < 0.98:
            abort(side)
        elif luck < 0.985:
            send(side, BYE)
        elif luck < 0.99:
            pipes[1 - side].append((rnd.choice((NOP, PING, PONG, REKEY, 0x40, 0x7F)), 0, False))
    # Both end what is open and read what is there: then they agree.
    for _ in range(2000):
        if not any(pipes) and ends[0].life.idle and ends[1].life.idle:
            break
        for side in (0, 1):
            while pipes[side]:
                hear(side)
            if ends[side].life.may(OK):
                send(side, OK)
            if ends[side].life.may(FIN):
                send(side, FIN)
    client, server = ends[0].life, ends[1].life
    assert client.idle and server.idle and client.started == server.started and client.parked == server.parked, vars(client)
    return [end.text() for end in ends]


def lone(rnd):
    """One end and a peer that says anything, most often what has a place."""
    end = End(rnd.random() < 0.5, rnd.choice((0, 0, 0, 0, 0, 0, 0, 0, 254, 300)))
    life = end.life
    for _ in range(rnd.randrange(5, 60)):
        if end.over:
            break
        luck = rnd.random()
        if luck < 0.3:
            wanted = rnd.choice((OK, DATA, DATA, FIN, DGRAM, PACKET, DATAAT, CONNECT, CONNECT, ASSOCIATE, LISTEN, PARK, INCOMING, NETWORK, RESUME))
            if rnd.random() < 0.02:
                wanted = BYE
            end.try_to_send(wanted, wanted == LISTEN and rnd.random() < 0.5)
        elif luck < 0.38:
            end.abort()
        elif luck < 0.55:
            near = rnd.choice((life.rx_done, life.current, life.current, life.rx_done + 1, life.current - 1, rnd.randrange(256)))
            end.receive(rnd.choice((RESET, RESET, RESET, ACK)), near & 255)
        elif luck < 0.6:
            end.receive(rnd.choice((NOP, PING, PONG, REKEY, 0x40, 0x55, 0x7F)))
        elif luck < 0.61:
            end.receive(rnd.choice((BYE, NEED)))
        elif luck < 0.63:
            end.receive(rnd.choice((*range(0x00, 0x80),)), rnd.randrange(256))
        else:
            # What has a place, as far as a peer can know.
            if life.rx_open:
                live = life.rx_done == life.current and not life.aborted
                kinds = [OK] if live and life.mine and not life.answered else [*CONTENT, FIN] if not live else [*CARRIED[life.cargo], FIN]
            elif life.client:
                kinds = [INCOMING] if life.parked else [NOP]
            else:
                kinds = [CONNECT, CONNECT, CONNECT, ASSOCIATE, LISTEN, NETWORK, RESUME, PARK, 0x17] if life.idle and not life.parked else [NOP]
            kind = rnd.choice(kinds)
            end.receive(kind, life.current & 255, kind == LISTEN and rnd.random() < 0.5)
    return end.text()


def main():
    count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 2
    rnd = random.Random(seed)
    lines = []
    while len(lines) < count:
        lines += conversation(rnd) + [lone(rnd), lone(rnd)]
    sys.stdout.write("\n".join(lines[:count]) + "\n")


if __name__ == "__main__":
    main()
