#!/usr/bin/env python3
"""What a program can do where it is started: a line for each try, `DONE NAME` or `refused NAME ERROR`.

    probe.py FILE [PID]     writes them to FILE; PID is that of another process of the same user

A system call counts as refused when the answer is EPERM: any other error comes from behind the filter.
"""
import ctypes
import errno
import mmap
import os
import platform
import signal
import socket
import sys
import tempfile

libc = ctypes.CDLL(None, use_errno=True)
other = int(sys.argv[2]) if len(sys.argv) > 2 else os.getppid()
X86 = platform.machine() == 'x86_64'
FLAGS_NEW_USER, FLAGS_NEW_NET = 0x10000000, 0x40000000
AF_ALG, AF_VSOCK, AF_PACKET = 38, 40, 17
# x86_64, aarch64
CALLS = {
    'keyctl': (250, 219), 'add_key': (248, 217), 'io_uring_setup': (425, 425), 'io_setup': (206, 0), 'shmget': (29, 194),
    'semget': (64, 190), 'msgget': (68, 186), 'mq_open': (240, 180), 'process_vm_readv': (310, 270), 'userfaultfd': (323, 282),
    'pkey_alloc': (330, 289), 'kcmp': (312, 272), 'name_to_handle_at': (303, 264), 'bpf': (321, 280),
    'perf_event_open': (298, 241), 'vmsplice': (278, 75), 'memfd_create': (319, 279), 'pipe2': (293, 59),
    'personality': (135, 92), 'ptrace': (101, 117), 'syslog': (103, 116), 'clock_settime': (227, 112), 'mount': (165, 40),
    'reboot': (169, 142), 'init_module': (175, 105), 'setns': (308, 268),
}
ARGUMENTS = {'io_setup': (1, ctypes.byref(ctypes.c_ulong())), 'shmget': (0, 4096, 0o1600), 'semget': (0, 1, 0o1600), 'msgget': (0, 0o1600),
             'memfd_create': (b'probe', 0), 'pipe2': ((ctypes.c_int * 2)(), 0), 'personality': (0xffffffff,), 'keyctl': (0, -3, 0)}


def call(name):
    def attempt():
        number = CALLS[name][0 if X86 else 1]
        if libc.syscall(number, *ARGUMENTS.get(name, (0, 0, 0, 0, 0))) < 0 and ctypes.get_errno() in (errno.EPERM, errno.ENOSYS):
            raise OSError(ctypes.get_errno(), name)
    return attempt


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), 'it was refused')


def execute(*command):
    """Its exit status is that of the program, or 111 when it could not become that."""
    def attempt():
        child = os.fork()
        if child == 0:
            try:
                os.execv(command[0], command)
            except OSError as error:
                os._exit(111 if error.errno == errno.EACCES else 112)
            finally:
                os._exit(113)
        _, status = os.waitpid(child, 0)
        if status:
            raise OSError(errno.EACCES, 'exit status %d' % os.waitstatus_to_exitcode(status))
    return attempt


def loader():
    with open('/proc/self/maps') as f:
        return next(line.split()[-1] for line in f if '/ld-linux' in line)


def program_in(directory):
    """A program that it writes itself."""
    def attempt():
        with open('/bin/true', 'rb') as f, tempfile.NamedTemporaryFile(dir=directory, delete=False) as own:
            own.write(f.read())
        os.chmod(own.name, 0o755)
        try:
            execute(own.name)()
        finally:
            os.unlink(own.name)
    return attempt


def append(path):
    return lambda: open(path, 'ab').close()


def read(path, offset=0):
    def attempt():
        with open(path, 'rb', buffering=0) as f:
            f.seek(offset)
            f.read(1)
    return attempt


def memory_of_other():
    with open('/proc/%d/maps' % other) as f:
        begin = next(int(line.split('-')[0], 16) for line in f if ' rw-p ' in line)
    read('/proc/%d/mem' % other, begin)()


def connect(path):
    def attempt():
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
    return attempt


def made(*arguments):
    return lambda: socket.socket(*arguments).close()


def writable_code():
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()


def set_user_id():
    path = os.path.join(state, 'probe')
    append(path)()
    try:
        os.chmod(path, 0o4755)
    finally:
        os.unlink(path)


def name():
    socket.getaddrinfo('localhost', 80, socket.AF_INET)


def stream():
    with socket.create_server(('127.0.0.1', 0)) as listener:
        socket.create_connection(listener.getsockname()).close()


def journal():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.sendto(b'MESSAGE=The probe was here.\n', '/run/systemd/journal/socket')


def lock_memory():
    page = ctypes.create_string_buffer(4096)
    checked(libc.mlock(page, ctypes.c_size_t(4096)))


runtime = os.environ.get('RUNTIME_DIRECTORY', '/run/wstand')
state = os.environ.get('STATE_DIRECTORY', '/var/lib/wstan')
TRIES = {
    # What a daemon does.
    'write the runtime directory': append(os.path.join(runtime, 'mine')),
    'write the state directory': append(os.path.join(state, 'mine')),
    'read the configuration': read('/etc/wstan.conf'),
    'read the key': read('/etc/wstan/key'),
    'look a name up': name,
    'connect by TCP': stream,
    'send a datagram': made(socket.AF_INET, socket.SOCK_DGRAM),
    'watch the network': made(16, socket.SOCK_RAW),
    'write to the journal': journal,
    'lock memory': lock_memory,
    # What one that was taken over might.
    'exec /bin/sh': execute('/bin/sh', '-c', ':'),
    'exec /usr/bin/env': execute('/usr/bin/env', 'true'),
    'exec su': execute('/bin/su', '-c', 'true'),
    'exec by the loader': execute(loader(), '/bin/true'),
    'exec from the state directory': program_in(state),
    'exec from the runtime directory': program_in(runtime),
    'exec from /tmp': program_in('/tmp'),
    'exec from /dev/shm': program_in('/dev/shm'),
    **{name: call(name) for name in CALLS},
    'unshare users': lambda: checked(libc.unshare(FLAGS_NEW_USER)),
    'unshare the network': lambda: checked(libc.unshare(FLAGS_NEW_NET)),
    'memory that is writable and executable': writable_code,
    'the memory of another process': memory_of_other,
    'the environment of another process': read('/proc/%d/environ' % other),
    'a signal to process 1': lambda: os.kill(1, 0),
    'a set-user-ID file': set_user_id,
    'a packet socket': made(AF_PACKET, socket.SOCK_RAW),
    'a raw socket': made(socket.AF_INET, socket.SOCK_RAW, 1),
    'a socket of AF_ALG': made(AF_ALG, socket.SOCK_SEQPACKET),
    'a socket of AF_VSOCK': made(AF_VSOCK, socket.SOCK_STREAM),
    'D-Bus': connect('/run/dbus/system_bus_socket'),
    **{'list ' + path: lambda path=path: os.listdir(path)
       for path in ('/run/user', '/boot', '/srv', '/mnt', '/media', '/home/somebody', '/root', '/var/log', '/proc/1')},
    **{'write ' + path: append(path)
       for path in ('/etc/wstan.conf', '/etc/new', '/usr/new', '/run/wstand-other', '/run/lock/new', '/dev/shm/new',
                    '/sys/kernel/mm/ksm/run', '/proc/sys/kernel/hostname')},
    'read /etc/shadow': read('/etc/shadow'),
    'read /dev/kmsg': read('/dev/kmsg'),
    'read /proc/kallsyms': read('/proc/kallsyms'),
}


def main():
    signal.signal(signal.SIGSYS, signal.SIG_DFL)
    lines = []
    for title, attempt in TRIES.items():
        try:
            attempt()
            lines.append('DONE %s' % title)
        except (OSError, StopIteration) as error:
            lines.append('refused %s %s' % (title, errno.errorcode.get(getattr(error, 'errno', None), type(error).__name__)))
    report = '\n'.join(lines) + '\n'
    if sys.argv[1] == '-':
        sys.stdout.write(report)
    else:
        with open(sys.argv[1], 'w') as f:
            f.write(report)


main()
