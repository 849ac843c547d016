"""What a learner waits for in the first cells of a notebook: the import, the server, a table."""

import json
import statistics
import subprocess
import sys

import requests

from benchmarks import at_most, medians
from helpers import attributes

RUNS = 7
INSTANCES = 2_000

# The libraries come first: what they take is theirs.
IMPORT = """
import importlib, subprocess, sys, time
loaded = "import helpers, sys; print(*[name for name in sys.modules if name[:7] != 'helpers'])"
for name in subprocess.check_output([sys.executable, "-c", loaded], text=True).split():
    try:
        importlib.import_module(name)
    except ImportError:
        pass  # made by a library at run time, such as six.moves
start = time.perf_counter()
import helpers
print(time.perf_counter() - start)
"""
CONNECT = """
import time
from helpers import connect
start = time.perf_counter()
connect()
print(time.perf_counter() - start)
"""


def measure():
    yield at_most("import helpers, beyond its libraries", in_processes(IMPORT), 0.3, "s")
    yield at_most("connect() with the shipped archive", in_processes(CONNECT), 0.5, "s")
    answer = requests.Response()
    answer.status_code, answer.headers["Content-Type"] = 200, "application/dicom+json"
    answer._content = json.dumps([instance(number) for number in range(INSTANCES)]).encode()
    seconds = medians({"table": lambda: attributes(answer), "json": answer.json}, RUNS)
    beyond = (seconds["table"] - seconds["json"]) * 1000
    yield at_most(f"table of {INSTANCES:,} instances, beyond JSON", beyond, 50, "ms")


def in_processes(program):
    """Return the median of what a program prints, each time in a Python of its own."""
    command = [sys.executable, "-c", program]
    return statistics.median(float(subprocess.check_output(command)) for _ in range(RUNS))


def instance(number):
    """Return one answer of a search for instances, as servers send it."""
    uid = f"1.2.826.0.1.3680043.8.498.{number:037}"
    values = {
        "00080005": ("CS", "ISO_IR 100"),
        "00080016": ("UI", "1.2.840.10008.5.1.4.1.1.2"),
        "00080018": ("UI", uid),
        "00080056": ("CS", "ONLINE"),
        "00080060": ("CS", "CT"),
        "00081190": ("UR", f"http://127.0.0.1/dicomweb/studies/1.2/series/1.3/instances/{uid}"),
        "0020000D": ("UI", "1.2"),
        "0020000E": ("UI", "1.3"),
        "00200011": ("IS", 1),
        "00200013": ("IS", number),
        "00280010": ("US", 512),
        "00280011": ("US", 512),
    }
    return {tag: {"vr": vr, "Value": [value]} for tag, (vr, value) in values.items()}
