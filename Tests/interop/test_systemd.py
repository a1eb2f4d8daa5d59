"""What systemd does for a service, by its own tools and by a fake of the rest: sockets, signs of life, the journal, units."""
import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import time

import agent
from namespaces import CAN_UNSHARE if False else None
