"""The multipart parser against requests_toolbelt and dicomweb-client, over HTTP on loopback."""

import contextlib
import http.server
import multiprocessing
import random
import tempfile
import threading

import psutil
import requests
from dicomweb_client.api import DICOMwebClient
from requests_toolbelt import MultipartDecoder

from benchmarks import at_least, at_most, medians
from helpers import multipart
from helpers.multipart.pieces import pieces
from helpers.web.answer import READ_SIZE, stream

BOUNDARY = "f4b1c6d0-e7a2-4c53-a1b0-d2e8c9f3a675-0a9f8b7c-6d5e-4f3a-2b1c-0d9e8f7a"  # as Orthanc's
CONTENT_TYPE = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'
MB = 1_000_000
MIB = 1024 * 1024
SESSION = requests.Session()  # one connection for all: opening it is not what is measured
NOISE = random.Random(1).randbytes(MB)


def measure():
    with loopback_server() as root:
        yield from compare(root, 200, 500_000, runs=11, toolbelt=8, dicomweb_client=1.4)
        yield from compare(root, 2_000, 3_000, runs=21, toolbelt=3.5)
        yield from one_large_part(root, 500 * MB)
        yield from reading(root, 200, 500_000)
        yield first_part(root, 200, 500_000)


def compare(root, count, size, *, runs, **budgets):
    """Receive many parts, one after the other, as a program that saves or counts them does."""
    url = f"{root}/{count}/{size}"
    candidates = {"ours": with_ours, "toolbelt": with_toolbelt, "dicomweb_client": with_client}
    seconds = medians(
        {name: lambda receive=receive: receive(url) for name, receive in candidates.items()}, runs
    )
    for peer, budget in budgets.items():
        yield at_least(
            f"{count:,} parts of {size:,} bytes / {peer}",
            seconds[peer] / seconds["ours"],
            budget,
            detail=f"{seconds['ours'] * 1000:.0f} ms, {seconds[peer] * 1000:.0f} ms",
        )


def one_large_part(root, size):
    """Receive one part into a temporary file."""
    url = f"{root}/1/{size}"
    candidates = {"ours": lambda: save_parts(url), "toolbelt": lambda: save_with_toolbelt(url)}
    seconds = medians(candidates, runs=3)
    yield at_least(
        f"1 part of {size:,} bytes to disk / toolbelt",
        seconds["toolbelt"] / seconds["ours"],
        5,
        detail=f"{seconds['ours'] * 1000:.0f} ms, {seconds['toolbelt'] * 1000:.0f} ms",
    )
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        extra = pool.apply(memory_growth, (url,))
    yield at_most("the same, memory that it takes", extra / MIB, 16, "MiB")


def reading(root, count, size):
    """Find all parts and keep nothing."""
    url = f"{root}/{count}/{size}"
    seconds = medians({"ours": lambda: read_pieces(url), "bare": lambda: read_bare(url)}, runs=15)
    yield at_least("reading without keeping / iter_content", seconds["bare"] / seconds["ours"], 0.6)
    # The same chunk again and again, as a program meets it: just received, still in the cache.
    chunk = NOISE[:READ_SIZE]
    body = [f"--{BOUNDARY}\r\n\r\n".encode(), *[chunk] * 400, f"\r\n--{BOUNDARY}--".encode()]
    seconds = medians({"parser": lambda: exhaust(pieces(body, BOUNDARY.encode()))}, runs=15)
    megabytes = 400 * len(chunk) / MB
    yield at_most("parser alone, a MB", seconds["parser"] * 1000 / megabytes, 0.12, "ms")


def first_part(root, count, size):
    """Wait for the first of many parts."""
    url = f"{root}/{count}/{size}"
    seconds = medians({"first": lambda: receive_first(url)}, runs=15)
    return at_most(f"first part of {count}", seconds["first"] * 1000, 5, "ms")


def with_ours(url):
    for part in multipart.iter_parts(SESSION.get(url, stream=True)):
        part.content  # noqa: B018 - a property that reads


def with_toolbelt(url):
    return MultipartDecoder.from_response(SESSION.get(url, stream=True)).parts


def with_client(url):
    client = DICOMwebClient(url)
    response = SESSION.get(url, stream=True)
    exhaust(client._decode_multipart_message(response, stream=True))


def save_parts(url):
    # A large part is in a temporary file when it is complete: nothing is left to do.
    exhaust(multipart.iter_parts(SESSION.get(url, stream=True)))


def save_with_toolbelt(url):
    for part in with_toolbelt(url):
        with tempfile.TemporaryFile() as file:
            file.write(part.content)


def read_pieces(url):
    response = SESSION.get(url, stream=True)
    exhaust(pieces(stream(response), BOUNDARY.encode()))


def read_bare(url):
    exhaust(SESSION.get(url, stream=True).iter_content(READ_SIZE))


def receive_first(url):
    with SESSION.get(url, stream=True) as response:
        return next(multipart.iter_parts(response))


def exhaust(iterator):
    for _ in iterator:
        pass


def memory_growth(url):
    """Return by how many bytes this process grows at most while it receives and saves the parts."""
    process = psutil.Process()
    exhaust(multipart.iter_parts(SESSION.get(url.rpartition("/")[0] + "/1000", stream=True)))
    before = largest = process.memory_info().rss
    saving = threading.Thread(target=save_parts, args=(url,))
    saving.start()
    while saving.is_alive():
        largest = max(largest, process.memory_info().rss)
        saving.join(0.002)
    return largest - before


def blocks_of(count, size):
    """Yield a multipart body of equal parts, in blocks.

    The blocks are the same bytes again and again: they stay in the processor's cache, and the
    server is not what the benchmark waits for.
    """
    head = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\nContent-Length: {size}\r\n\r\n"
    if size <= MB:
        part = head.encode() + NOISE[:size] + b"\r\n"
        at_once = 4 * MB // len(part)
        yield from [part * at_once] * (count // at_once)
        yield part * (count % at_once)
    else:
        for _ in range(count):
            yield head.encode()
            yield from [NOISE] * (size // MB)
            yield b"\r\n"
    yield f"--{BOUNDARY}--\r\n".encode()


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers ``GET /200/3000`` with 200 parts of 3000 bytes each."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        count, size = map(int, self.path.strip("/").split("/"))
        blocks = list(blocks_of(count, size))
        self.send_response(200)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(sum(map(len, blocks))))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # first_part() leaves early
            self.wfile.writelines(blocks)

    def log_message(self, *args):
        pass


def serve(pipe):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    pipe.send(server.server_port)
    server.serve_forever()


@contextlib.contextmanager
def loopback_server():
    """Run the server in a process of its own, so that it does not share our interpreter lock."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()
