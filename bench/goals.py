"""What is wanted of the figures: ratios within one run wherever that is possible.

A figure is looked up as `of(pair, load, name)`, the median of the pair's rounds; one that was not measured raises KeyError, and
its row says so.
"""

from typing import Callable, NamedTuple, Optional

Lookup = Callable[[str, str, str], float]


class Row(NamedTuple):
    text: str
    figure: Callable[[Lookup], float]
    unit: str = ""
    at_least: Optional[float] = None
    at_most: Optional[float] = None

    @property
    def wanted(self) -> str:
        if self.at_least is not None:
            return f"at least {self.at_least:g}"
        return f"at most {self.at_most:g}" if self.at_most is not None else "-"

    def is_met(self, value: float) -> Optional[bool]:
        """None when there is no goal."""
        if self.at_least is not None:
            return value >= self.at_least
        return value <= self.at_most if self.at_most is not None else None


def beside_floor(load: str, name: str, pair: str = "ws", floor: str = "floor") -> Callable[[Lookup], float]:
    return lambda of: of(pair, load, name) / of(floor, load, name)


def beside_sealed_floor(load: str, pair: str = "ws", cipher: str = "aes") -> Callable[[Lookup], float]:
    """CPU beside what no encrypted pair can do without: the floor's, and the cipher once in each process."""
    return lambda of: of(pair, load, "cpu_s_per_GB") / (of("floor", load, "cpu_s_per_GB") + 2 * of("machine", cipher, "s_per_GB"))


def plainly(pair: str, load: str, name: str, scale: float = 1) -> Callable[[Lookup], float]:
    return lambda of: of(pair, load, name) / scale


STREAMS = {
    "down": "one stream down", "up": "one stream up", "down8": "eight streams down", "up8": "eight streams up"}

BULK = [
    Row(f"{title}: {text}", figure(load), unit, **goal)
    for load, title in STREAMS.items()
    for text, figure, unit, goal in (
        ("throughput", lambda load: beside_floor(load, "MB_per_s"), "x floor", {"at_least": 0.7}),
        ("CPU per GB", beside_sealed_floor, "x (floor + AES twice)", {"at_most": 1.2}))]

TLS = [
    Row("wss, one stream down: CPU per GB", beside_floor("down", "cpu_s_per_GB", "wss", "tls floor"), "x TLS floor", at_most=1.15),
    Row("wss, one stream up: CPU per GB", beside_floor("up", "cpu_s_per_GB", "wss", "tls floor"), "x TLS floor", at_most=1.15),
]

CONNECTIONS = [
    Row("32 connections at once: CPU each", beside_floor("rate32", "cpu_us_each"), "x floor", at_most=1.1),
    Row("32 connections at once: connections/s", beside_floor("rate32", "per_s"), "x floor"),
    Row("32 connections at once: connections/s",
        lambda of: of("ws", "rate32", "per_s") / of("shadowsocks-libev", "rate32", "per_s"), "x shadowsocks-libev", at_least=1.1),
    Row("the same without a pool: CPU each", beside_floor("rate32", "cpu_us_each", "ws no pool"), "x floor", at_most=1.9),
    Row("the same over wss, resumed: connections/s", beside_floor("rate32", "per_s", "wss no pool"), "x floor", at_least=0.3),
]

ROUND_TRIPS = [
    Row(f"64-byte round trips, {title}: {text}", beside_floor(load, name), "x floor", at_most=bound)
    for load, title in (("ping1", "one stream"), ("ping64", "64 streams"))
    for text, name, bound in (("CPU each", "cpu_us_each", 1.1), ("p99", "p99_ms", 1.2))]

# Of 9,000, since the first ones cost what all need together.
MEMORY = [
    Row(f"an idle tunnel, {scheme}, {state}: {role}", plainly(pair, "many", f"{prefix}{role}_kb_each"), "KB", at_most=bound)
    for scheme, (server_bound, client_bound) in {"ws": (8, 8), "wss": (24, 42)}.items()
    for state, pair, prefix in (("in use", scheme, ""), ("in the pool", f"{scheme} big pool", "pooled_"))
    for role, bound in (("server", server_bound), ("client", client_bound))]

START = [
    row for role in ("server", "client") for row in (
        Row(f"a fresh {role}: resident", plainly("ws", "fresh", f"{role}_kb", 1024), "MB", at_most=12),
        Row(f"a fresh {role}: ready after", plainly("ws", "fresh", f"{role}_ready_ms"), "ms", at_most=50))]

# One datagram of each association on its way, and many.
DATAGRAMS = {
    f"udp{size}{burst}": f"datagrams of {size} bytes there and back, {title}"
    for burst, title in (("", "64 associations"), ("burst", "4 associations with 16 each")) for size in (64, 1200)}


def beside_v1(load: str, name: str, pair: str = "v2", ours: str = "ws") -> Callable[[Lookup], float]:
    return lambda of: of(pair, load, name) / of(ours, load, name)


VERSION_2 = [
    *(Row(f"version 2, {title}: CPU per GB", beside_sealed_floor(load, "v2", "gcm"), "x (floor + AES-GCM twice)", at_most=1.2)
      for load, title in STREAMS.items()),
    *(Row(f"version 2, one stream {way}: CPU per GB, times better than {peer}",
          lambda of, load=way, peer=peer: of(peer, load, "cpu_s_per_GB") / of("v2", load, "cpu_s_per_GB"), "x", at_least=2.5)
      for way in ("down", "up") for peer in ("shadowsocks-libev", "v2ray")),
    Row("version 2, 32 connections at once: CPU each", beside_v1("rate32", "cpu_us_each"), "x version 1", at_most=1),
    Row("version 2, 32 connections at once: connections/s", beside_v1("rate32", "per_s"), "x version 1", at_least=1),
    Row("version 2, 32 connections at once: connections/s",
        lambda of: of("v2", "rate32", "per_s") / of("shadowsocks-libev", "rate32", "per_s"), "x shadowsocks-libev", at_least=1.15),
    Row("version 2, the same without a pool: CPU each above version 1's",
        lambda of: of("v2 no pool", "rate32", "cpu_us_each") - of("ws no pool", "rate32", "cpu_us_each"), "us", at_most=220),
    Row("version 2, 64-byte round trips, 64 streams: CPU each", beside_floor("ping64", "cpu_us_each", "v2"), "x floor", at_most=1.15),
    *(Row(f"version 2, {title}: {text}",
          lambda of, load=load, name=name, power=power:
          (of("v2", load, name) / of("shadowsocks-libev", load, name)) ** power, "times better than shadowsocks-libev", at_least=1.5)
      for load, title in DATAGRAMS.items() for text, name, power in (("per second", "per_s", 1), ("CPU each", "cpu_us_each", -1))),
    *(Row(f"version 2, an idle tunnel, {state}: {role}", plainly(pair, "many", f"{prefix}{role}_kb_each"), "KB", at_most=8)
      for state, pair, prefix in (("in use", "v2", ""), ("in the pool", "v2 big pool", "pooled_")) for role in ("server", "client")),
]

REPORTED = [
    Row("connections that failed", plainly("all", "ours", "failed"), at_most=0),
    Row("9,000 tunnels at once: CPU to open each", beside_floor("many", "cpu_us_each"), "x floor"),
    *(Row(f"{title}: {text}", plainly("ws", load, name), unit)
      for load, title in DATAGRAMS.items() for text, name, unit in (("per second", "per_s", "/s"), ("CPU each", "cpu_us_each", "us"))),
    *(Row(f"two threads instead of one: {text}",
          lambda of, load=load, name=name: of("ws two", load, name) / of("ws", load, name), "x")
      for text, load, name in (("eight streams down", "down8", "MB_per_s"), ("connections/s", "rate32", "per_s"))),
]

ROWS = [*BULK, *TLS, *CONNECTIONS, *ROUND_TRIPS, *MEMORY, *START, *VERSION_2, *REPORTED]

# What a peer is compared by.
COLUMNS = [
    ("MB/s down", "down", "MB_per_s", True), ("MB/s up", "up", "MB_per_s", True),
    ("CPU per GB down", "down", "cpu_s_per_GB", False), ("CPU per GB up", "up", "cpu_s_per_GB", False),
    ("connections/s", "rate32", "per_s", True), ("CPU per connection", "rate32", "cpu_us_each", False),
    ("round trips/s", "ping64", "per_s", True), ("CPU per round trip", "ping64", "cpu_us_each", False),
    ("KB per tunnel, server", "hold", "server_kb_each", False), ("KB per tunnel, client", "hold", "client_kb_each", False),
]


def ahead_of(peer: str, ours: str) -> list[Row]:
    """A row for every column: how many times better we are."""

    def better(load: str, name: str, more_is_better: bool) -> Callable[[Lookup], float]:
        return lambda of: (of(ours, load, name) / of(peer, load, name)) ** (1 if more_is_better else -1)

    return [
        Row(f"{text}, beside {peer}", better(load, name, more), "times better", at_least=1)
        for text, load, name, more in COLUMNS]


def shown(value: float) -> str:
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def judge(rows: list[Row], of: Lookup) -> tuple[str, list[dict]]:
    """The table of rows, and the same as data."""
    lines, results = ["| what | goal | measured | |", "| --- | --- | --- | --- |"], []
    for row in rows:
        result = {"what": row.text, "unit": row.unit, "goal": row.wanted}
        try:
            value = row.figure(of)
        except KeyError:
            lines.append(f"| {row.text} | {row.wanted} {row.unit} | - | not measured |")
            results.append(result | {"met": None})
            continue
        met = row.is_met(value)
        verdict = {True: "met", False: "**missed**", None: ""}[met]
        lines.append(f"| {row.text} | {row.wanted} | {shown(value)} {row.unit} | {verdict} |")
        results.append(result | {"measured": value, "met": met})
    return "\n".join(lines), results
