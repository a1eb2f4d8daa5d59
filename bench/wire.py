"""A pair at either end of a wire of 100 ms: delayline between two network namespaces, which takes root.

What bounds a stream there is the kernel's windows (tcp_rmem and tcp_wmem, some megabytes) and the wire's own queue, for one TCP
connection straight as for one in a tunnel; so the two take turns.
"""

import contextlib
import os
import re
import statistics
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pairs
from goals import Row
from measure import Failure, Process

ONE_WAY_MS = 50
ROUND_TRIP_MS = 2 * ONE_WAY_MS
# What delayline gives its ends.
NEAR, FAR = "10.99.0.1", "10.99.0.2"
LOSS_PER_MILLE = 10
SERVER, CLIENT, TARGET, STRAIGHT_TARGET = 8080, 1080, 9900, 9901


class Wire:
    """Two namespaces with the wire between them, as a context."""

    def __init__(self, delayline: str, work: Path, loss_per_mille: int = 0):
        self.near, self.far = (f"wstan-bench-{uuid.uuid4().hex[:8]}" for _ in range(2))
        self.work = work
        self.ending = contextlib.ExitStack()
        try:
            for name in (self.near, self.far):
                ip("netns", "add", name)
                self.ending.callback(ip, "netns", "delete", name)
            line = subprocess.Popen(
                [delayline, self.near, self.far, str(ONE_WAY_MS), str(loss_per_mille)], stderr=subprocess.PIPE, text=True,
                start_new_session=True)
            self.ending.callback(end, line)
            if "up" not in (said := line.stderr.readline()):
                raise Failure(f"the wire does not come up: {said.strip()}")
        except BaseException:
            self.ending.close()
            raise

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_) -> None:
        self.ending.close()

    def start(self, title: str, end_of_wire: str, command: list[str], port: int, **environment: str) -> Process:
        log = self.work / f"wire-{title.replace(' ', '-')}.log"
        process = Process(title, inside(end_of_wire, command), port, log, environment)
        self.ending.callback(process.stop)
        process.await_listening()
        return process

    def run(self, command: list[str], seconds: float, **environment: str) -> str:
        """At the near end."""
        try:
            done = subprocess.run(
                inside(self.near, command), capture_output=True, text=True, timeout=seconds + 30,
                env=dict(os.environ, **environment))
        except subprocess.TimeoutExpired:
            raise Failure(f"over the wire: {command[0]} hangs") from None
        if done.returncode != 0:
            raise Failure(f"over the wire: {done.stdout}{done.stderr}")
        return done.stdout


def ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"ip {' '.join(words)}: {done.stderr.strip()}")


def inside(namespace: str, command: list[str]) -> list[str]:
    return ["ip", "netns", "exec", namespace, *command]


def end(process: subprocess.Popen) -> None:
    process.terminate()
    process.wait()


def start_pair(wire: Wire, of: pairs.Materials, scheme: str = "ws", version: int = 1) -> None:
    """A target at 127.0.0.1 of the far end, and the pair."""
    server_key, client_key = (f"--key-file={of.v2_key_file(role) if version == 2 else of.key_file}" for role in ("server", "client"))
    uri, for_server, for_client = f"ws://{FAR}:{SERVER}/", [], []
    if scheme == "wss":
        pem, private = of.certificate
        uri = f"wss://localhost:{SERVER}/"
        for_server = [f"--listen={FAR}:{SERVER}", f"--tls-certificate={pem}", f"--tls-key={private}"]
        for_client = [f"--connect-to={FAR}:{SERVER}", f"--tls-ca-file={pem}"]
    wire.start("target", wire.far, [of.tunbench, "target", str(TARGET)], TARGET)
    wire.start("server", wire.far, [of.wstand, "-s", uri, server_key, *for_server, "--allow-private=yes"], SERVER)
    wire.start("client", wire.near, [of.wstand, uri, client_key, *for_client, "-a", "127.0.0.1", "-p", str(CLIENT)], CLIENT)
    # Its first tunnel takes three round trips, or four.
    time.sleep(6 * ROUND_TRIP_MS / 1000)


def first_byte(wire: Wire) -> dict[str, float]:
    ttfb = str(Path(__file__).resolve().parent / "ttfb.py")
    said = wire.run([sys.executable, ttfb, str(CLIENT), str(TARGET), "20", "0.2"], 30)
    found = re.search(r"first ([\d.]+) ms  median ([\d.]+) ms  worst ([\d.]+) ms", said)
    if not found:
        raise Failure(f"over the wire: {said}")
    return {name: float(value) / ROUND_TRIP_MS for name, value in zip(("first", "median", "worst"), found.groups())}


# Where a load goes: through the pair, or straight to the other target.
THROUGH, STRAIGHT = (CLIENT, TARGET), (0, STRAIGHT_TARGET)


def bulk(wire: Wire, of: pairs.Materials, way: tuple[int, int], mode: str, seconds: float) -> float:
    """MB/s."""
    said = wire.run([of.tunbench, "bulk", *map(str, way), mode, "1", str(seconds)], seconds, TUNBENCH_ADDR=FAR)
    found = re.search(r"([\d.]+) MB/s failed=0", said)
    if not found:
        raise Failure(f"over the wire: {said}")
    return float(found[1])


def measure_streams(wire: Wire, of: pairs.Materials, seconds: float) -> dict[str, dict[str, float]]:
    wire.start("straight target", wire.far, [of.tunbench, "target", str(STRAIGHT_TARGET)], STRAIGHT_TARGET, TUNBENCH_ADDR=FAR)
    figures = {}
    for key, mode in (("down", "D"), ("up", "U")):
        rates = [[bulk(wire, of, way, mode, seconds) for way in (STRAIGHT, THROUGH)] for _ in range(3)]
        straight, through = (statistics.median(column) for column in zip(*rates))
        figures[key] = {"straight_MB_per_s": straight, "through_MB_per_s": through}
    return figures


def measure_beside_bulk(wire: Wire, of: pairs.Materials, seconds: float) -> dict[str, float]:
    """The p99 of round trips in ms while a stream runs, straight and through the pair."""
    wire.start("straight target", wire.far, [of.tunbench, "target", str(STRAIGHT_TARGET)], STRAIGHT_TARGET, TUNBENCH_ADDR=FAR)
    figures = {}
    for name, way in (("straight_p99_ms", STRAIGHT), ("through_p99_ms", THROUGH)):
        where = [str(port) for port in way]
        load = subprocess.Popen(
            inside(wire.near, [of.tunbench, "bulk", *where, "D", "1", str(seconds + 1)]), stdout=subprocess.DEVNULL,
            start_new_session=True, env=dict(os.environ, TUNBENCH_ADDR=FAR))
        try:
            said = wire.run([of.tunbench, "ping", *where, "4", str(seconds)], seconds, TUNBENCH_ADDR=FAR)
        finally:
            end(load)
        found = re.search(r"p99=([\d.]+) ms", said)
        if not found:
            raise Failure(f"over the wire: {said}")
        figures[name] = float(found[1])
    return figures


def measure(of: pairs.Materials, delayline: str, seconds: float) -> dict[str, dict[str, float]]:
    """The figures of each load, once.

    Raises Failure where there can be no namespaces.
    """
    figures = {}
    with Wire(delayline, of.work) as wire:
        start_pair(wire, of)
        figures["ws"] = first_byte(wire)
        figures |= measure_streams(wire, of, seconds)
    for load, scheme, version in (("wss", "wss", 1), ("v2", "ws", 2), ("v2 wss", "wss", 2)):
        with Wire(delayline, of.work) as wire:
            start_pair(wire, of, scheme, version)
            figures[load] = first_byte(wire)
    with Wire(delayline, of.work, LOSS_PER_MILLE) as wire:
        start_pair(wire, of)
        figures["beside bulk"] = measure_beside_bulk(wire, of, seconds)
    return figures


ROWS = [
    *(Row(f"over 100 ms, {pair}: first byte, {title}", lambda of, load=load, n=name: of("wire", load, n), "round trips", at_most=1.1)
      for load, pair in (("ws", "ws"), ("wss", "wss"), ("v2", "version 2, ws"), ("v2 wss", "version 2, wss"))
      for name, title in (("first", "the first of all"), ("median", "median"))),
    *(Row(f"over 100 ms: one stream {way}",
          lambda of, load=way: of("wire", load, "through_MB_per_s") / of("wire", load, "straight_MB_per_s"),
          "x one TCP connection straight", at_least=0.95) for way in ("down", "up")),
    Row("over 100 ms with 1 % loss, beside a stream: p99 of round trips, straight",
        lambda of: of("wire", "beside bulk", "straight_p99_ms"), "ms"),
    Row("the same through the pair", lambda of: of("wire", "beside bulk", "through_p99_ms"), "ms"),
]
