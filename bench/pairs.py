"""The pairs that are measured. Each is made anew for every start, with ports that are free at that moment."""

import configparser
import hashlib
import json
import os
import secrets
import shlex
import shutil
import subprocess
import time
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Callable, NamedTuple

from measure import Failure, Pair, Process, free_ports

TESTS_VENV = Path(__file__).resolve().parent.parent / ".build/interop-venv"
PEERS_FILE = Path(__file__).resolve().parent / "peers.conf"


def write_secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


class Materials(NamedTuple):
    """What the pairs are made of."""

    wstand: str
    tunbench: str
    tlsrelay: str
    work: Path
    target_port: int
    key: str

    @property
    def key_file(self) -> Path:
        path = self.work / "key"
        if not path.exists():
            write_secret(path, self.key + "\n")
        return path

    def v2_key_file(self, role: str) -> Path:
        """Of version 2, made for both roles at once: `server` or `client`."""
        path = self.work / f"key-v2-{role}"
        if not path.exists():
            made = subprocess.run([self.wstand, "-g", "--v2"], capture_output=True, text=True)
            if made.returncode != 0:
                raise Failure(f"{self.wstand} -g --v2: {made.stderr}")
            for name, line in zip(("server", "client"), made.stdout.splitlines()):
                write_secret(self.work / f"key-v2-{name}", line + "\n")
        return path

    @property
    def server_file(self) -> Path:
        """Tunnels are opened as fast as they can be. A version that does not know the key ignores it."""
        path = self.work / "server.conf"
        path.write_text("[server]\nmax-tunnel-rate = 0\n")
        return path

    @property
    def certificate(self) -> tuple[Path, Path]:
        """Of a CA of its own, for localhost; and its key."""
        pem, key = self.work / "cert.pem", self.work / "cert.key"
        if not pem.exists():
            done = subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(key),
                 "-out", str(pem), "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
                capture_output=True, text=True)
            if done.returncode:
                raise Failure(f"openssl made no certificate: {done.stderr}")
            key.chmod(0o600)
        return pem, key


def floor(of: Materials) -> Pair:
    server, client = free_ports(2)
    return Pair(
        "floor: two bare relays", [of.tunbench, "relay", str(server), str(of.target_port)], server,
        [of.tunbench, "relay", str(client), str(server)], client, speaks_socks=False)


def tls_floor(of: Materials) -> Pair:
    server, client = free_ports(2)
    return Pair(
        "floor: the same with TLS", [of.tlsrelay, "server", str(server), str(of.target_port), *map(str, of.certificate)], server,
        [of.tlsrelay, "client", str(client), str(server)], client, speaks_socks=False)


USUAL_POOL = 16


def key_ring(of: Materials, count: int) -> Path:
    """A state directory whose server has so many keys, four of each name."""
    def line(name: str, state: str, made: str, until: str, key: bytes) -> str:
        return f"{name} {state} {made} {until} {b64encode(key).decode()}\n"
    folder = of.work / f"keys-{count}"
    if folder.exists():
        return folder
    configured, now = b64decode(of.key), int(time.time() * 1e6)
    text = f"wstan key ring 1\norigin {hashlib.sha256(b'wstan key id' + bytes(1) + configured).hexdigest()[:16]}\n"
    text += line("default", "current configuration", "-", "-", configured)
    for number in range(count - 1):
        name, place = f"k{number // 4}", number % 4
        until = str(now + 86_400_000_000 - place) if place else "-"
        text += line(name, ("previous" if place else "current") + " state", str(now), until, secrets.token_bytes(16))
    folder.mkdir(mode=0o700)
    write_ring(folder, text)
    return folder


def write_ring(folder: Path, text: str) -> None:
    write_secret(folder / "keyring", text + f"sha256 {hashlib.sha256(text.encode()).hexdigest()}\n")


def user_ring(of: Materials, count: int) -> Path:
    """A state directory whose server has so many users of version 2. The server writes a ring of two; the others are added to it."""
    folder = of.work / f"users-{count}"
    if folder.exists():
        return folder
    folder.mkdir(mode=0o700)
    control, (port,) = folder / "control", free_ports(1)
    server = Process(
        "the server that makes a key ring",
        [of.wstand, "-s", f"ws://127.0.0.1:{port}/", f"--key-file={of.v2_key_file('server')}", f"--state-directory={folder}",
         f"--control-socket={control}"], port, of.work / "ring.log")
    try:
        server.await_listening()
        made = subprocess.run(
            [Path(of.wstand).with_name("wstanctl"), "--socket", control, "add-key", "--v2", "second"], capture_output=True, text=True)
        if made.returncode != 0:
            raise Failure(f"wstanctl add-key: {made.stderr}")
    finally:
        server.stop()
    text = (folder / "keyring").read_text().rpartition("sha256 ")[0]
    now = int(time.time() * 1e6)
    text += "".join(
        f"v2 u{number} current state {now} - {b64encode(secrets.token_bytes(32)).decode()}\n" for number in range(count - 2))
    write_ring(folder, text)
    return folder


def wstan(
    of: Materials, scheme: str = "ws", threads: int = 1, pool: int = USUAL_POOL, keys: int = 1, version: int = 1
) -> Pair:
    """One thread each, unless told otherwise, because the relays have one. Another pool than the usual one opens nothing ahead."""
    server, client = free_ports(2)
    server_key, client_key = (of.v2_key_file(role) if version == 2 else of.key_file for role in ("server", "client"))
    common = [f"--threads={threads}"]
    for_server, for_client = [f"{scheme}://127.0.0.1:{server}/"], [f"{scheme}://127.0.0.1:{server}/"]
    if scheme == "wss":
        pem, key = of.certificate
        # A session is resumed only for a name.
        for_server = [f"wss://localhost:{server}/", f"--listen=127.0.0.1:{server}", f"--tls-certificate={pem}", f"--tls-key={key}"]
        for_client = [f"wss://localhost:{server}/", f"--connect-to=127.0.0.1:{server}", f"--tls-ca-file={pem}"]
    for_server.append(f"--key-file={server_key}")
    for_client.append(f"--key-file={client_key}")
    name = "wstan" + (" v2" if version == 2 else "") + (" wss" if scheme == "wss" else "")
    name += f", {threads} threads" if threads > 1 else ""
    if keys > 1:
        for_server.append(f"--state-directory={(user_ring if version == 2 else key_ring)(of, keys)}")
    if pool != USUAL_POOL:
        for_client += [f"--pool-size={pool}", "--pool-min=0"]
        name += ", no pool" if pool == 0 else f", pool of {pool}"
    return Pair(
        # The target is on this host.
        name, [of.wstand, "-s", f"--ini={of.server_file}", *for_server, *common, "--allow-private=yes"], server,
        [of.wstand, *for_client, *common, "-a", "127.0.0.1", "-p", str(client)], client)


# --- The peers.

class Peer(NamedTuple):
    name: str
    make: Callable[[Materials], Pair]
    """What it is compared with: `ws` and `wss` are ours; nothing when it does not encrypt."""
    beside: str
    relays_datagrams: bool = False


def python_wstan(of: Materials, program: str) -> Pair:
    server, client = free_ports(2)
    common = [f"ws://127.0.0.1:{server}/", of.key]
    return Pair(
        "wstan of Python", [program, "-s", *common], server,
        [program, *common, "-a", "127.0.0.1", "-p", str(client)], client)


def shadowsocks(of: Materials) -> Pair:
    server, client = free_ports(2)
    common = ["-s", "127.0.0.1", "-p", str(server), "-k", of.key, "-m", "aes-128-ctr", "-u"]
    return Pair(
        "shadowsocks-libev aes-128-ctr", ["ss-server", *common], server,
        ["ss-local", *common, "-b", "127.0.0.1", "-l", str(client)], client)


def v2ray(of: Materials) -> Pair:
    """VMess in WebSocket, as its users tunnel through web servers."""
    server, client = free_ports(2)
    user = {"id": "b831381d-6324-4d53-ad4f-8cda48b30811", "alterId": 0}
    web = {"network": "ws", "wsSettings": {"path": "/"}}
    quiet = {"log": {"loglevel": "none"}}
    files = {
        "server": quiet | {
            "inbounds": [{"listen": "127.0.0.1", "port": server, "protocol": "vmess", "settings": {"clients": [user]},
                          "streamSettings": web}],
            "outbounds": [{"protocol": "freedom"}]},
        "client": quiet | {
            "inbounds": [{"listen": "127.0.0.1", "port": client, "protocol": "socks", "settings": {"udp": True}}],
            "outbounds": [{"protocol": "vmess", "streamSettings": web, "settings": {
                "vnext": [{"address": "127.0.0.1", "port": server, "users": [user | {"security": "aes-128-gcm"}]}]}}]}}
    for role, configuration in files.items():
        (of.work / f"v2ray-{role}.json").write_text(json.dumps(configuration))
    command = {role: ["v2ray", "-config", str(of.work / f"v2ray-{role}.json")] for role in files}
    return Pair("v2ray vmess + ws", command["server"], server, command["client"], client)


def listed(name: str, section: configparser.SectionProxy, of: Materials) -> Pair:
    """A peer of peers.conf, whose head tells what may stand there."""
    server, client = free_ports(2)
    pem, key = of.certificate
    values = {"server": server, "client": client, "target": of.target_port, "key": of.key, "certificate": pem, "private_key": key,
              "work": of.work}
    try:
        commands = [shlex.split(section[role].format(**values)) for role in ("server", "client")]
    except (KeyError, ValueError, IndexError) as error:
        raise Failure(f"{PEERS_FILE.name}, [{name}]: {error!r} is missing or unknown") from None
    return Pair(name, commands[0], server, commands[1], client, section.getboolean("socks", True))


def find_peers(of: Materials) -> list[Peer]:
    """Those that are installed; says which are not."""
    found = []
    python = Path(os.environ.get("WSTAN_VENV") or TESTS_VENV) / "bin/wstan"
    if python.exists():
        found.append(Peer("Python's wstan", lambda m: python_wstan(m, str(python)), "ws"))
    else:
        print("left out: Python's wstan (WSTAN_VENV names no venv with it)")
    for programs, peer in (
        (("ss-server", "ss-local"), Peer("shadowsocks-libev", shadowsocks, "ws", relays_datagrams=True)),
        (("v2ray",), Peer("v2ray", v2ray, "ws"))):
        if all(map(shutil.which, programs)):
            found.append(peer)
        else:
            print(f"left out: {peer.name} (not installed)")
    others = configparser.ConfigParser(interpolation=None)
    try:
        others.read(PEERS_FILE)
    except configparser.Error as error:
        raise Failure(f"{PEERS_FILE.name}: {error}") from None
    for name in others.sections():
        section = others[name]
        program = shlex.split(section.get("server", ""))[:1]
        if program and shutil.which(program[0]):
            found.append(Peer(name, lambda m, name=name, section=section: listed(name, section, m), section.get("beside", "ws")))
        else:
            print(f"left out: {name} ({program[0] if program else 'its server'} is not installed)")
    return found
