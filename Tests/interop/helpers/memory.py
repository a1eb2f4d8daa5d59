"""Looks into the memory of a process, as a debugger or a core would show it. Only root may."""
import re


class Mapping:
    """A part of the address space."""

    def __init__(self, start, end, name):
        self.start = start
        self.end = end
        self.name = name
        self.flags = set()

    @property
    def is_in_core(self):
        return 'dd' not in self.flags  # MADV_DONTDUMP

    @property
    def is_locked(self):
        return 'lo' in self.flags  # mlock(2)

    def __repr__(self):
        return '%x-%x %s %s' % (self.start, self.end, self.name, ' '.join(sorted(self.flags)))


def mappings(pid):
    """Those that can be read and written, with their flags (VmFlags of proc(5))."""
    found = []
    with open('/proc/%d/smaps' % pid) as f:
        for line in f:
            head = re.match(r'([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)', line)
            if head:
                start, end, rights, name = head.groups()
                last = Mapping(int(start, 16), int(end, 16), name)
                if rights.startswith('rw'):
                    found.append(last)
            elif line.startswith('VmFlags:'):
                last.flags = set(line.split()[1:])
    return found


def places(pid, needle):
    """The mappings that hold these bytes."""
    found = []
    with open('/proc/%d/mem' % pid, 'rb', 0) as memory:
        for mapping in mappings(pid):
            rest = b''
            at = mapping.start
            while at < mapping.end:
                try:
                    memory.seek(at)
                    piece = memory.read(min(1 << 22, mapping.end - at))
                except OSError:
                    break  # of a device, or gone
                if not piece:
                    break
                if needle in rest + piece:
                    found.append(mapping)
                    break
                rest = piece[-len(needle):]
                at += len(piece)
    return found


def locked(pid):
    """Bytes that are not swapped."""
    with open('/proc/%d/status' % pid) as f:
        return int(re.search(r'VmLck:\s+(\d+) kB', f.read()).group(1)) * 1024
