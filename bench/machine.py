"""What the figures were measured on."""

import os
import platform
import re
import subprocess
from pathlib import Path

from measure import Failure


def said(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except OSError:
        return ""
    return done.stdout.strip()


def description() -> str:
    processor = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    memory = re.search(r"^MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.M)
    system = re.search(r'^PRETTY_NAME="(.*)"', Path("/etc/os-release").read_text(), re.M)
    parts = [
        f"{os.cpu_count()} cores" + (f" ({processor[1]})" if processor else f" ({platform.machine()})"),
        f"{int(memory[1]) / 1024 / 1024:.0f} GB of memory" if memory else "",
        f"Linux {platform.release()}", system[1] if system else "", " ".join(said("openssl", "version").split()[:2])]
    return ", ".join(filter(None, parts))


def cipher_seconds_per_gb(cipher: str, piece: int) -> float:
    """What it takes on one core, in pieces of so many bytes: the size of a record."""
    told = said("openssl", "speed", "-mr", "-evp", cipher, "-bytes", str(piece), "-seconds", "1")
    found = re.search(r"^\+F:.*:([\d.]+)$", told, re.M)
    if not found:
        raise Failure(f"`openssl speed` did not tell how fast {cipher} is")
    return 1e9 / float(found[1])
