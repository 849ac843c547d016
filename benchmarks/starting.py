"""What a learner waits for in the first cells of a notebook: the import, the server, a table."""

import json
import statistics
import subprocess
import sys

import requests

from benchmarks import at_most, beyond
from helpers import attributes

RUNS = 15
INSTANCES = 2_000

IMPORT = """
import time
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
# What a process holds at once, and not what it held at most: the same on every system.
MEMORY = """
import psutil
import classroom.pacs.server
print(psutil.Process().memory_info().rss / 2**20)
"""


def measure():
    yield at_most("import helpers", in_processes(IMPORT), 0.1, "s")
    yield at_most("import classroom.pacs.server", in_processes(MEMORY), 60, "MiB")
    yield at_most("connect() with the shipped archive", in_processes(CONNECT), 0.5, "s")
    body = json.dumps([instance(number) for number in range(INSTANCES)]).encode()
    answer = requests.Response()
    answer.status_code, answer.headers["Content-Type"] = 200, "application/dicom+json"
    answer._content = body  # nothing is downloaded, on neither side
    # The table parses the same bytes: what `json.loads` takes is a part of it.
    extra, loads = beyond(lambda: attributes(answer), lambda: json.loads(body), RUNS)
    detail = f"json.loads itself {loads * 1000:.0f} ms"
    yield at_most(f"table of {INSTANCES:,}, beyond json.loads", extra * 1000, 50, "ms", detail)


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
