"""The classroom PACS against Debian's Orthanc: the same study, the same client, on loopback."""

import contextlib
import http.client
import multiprocessing
import tempfile
import threading
from copy import deepcopy
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import numpy
import psutil
import pydicom
from pydicom.uid import ExplicitVRLittleEndian, RLELossless, generate_uid

from benchmarks import at_least, at_most, medians
from classroom.pacs.server import DATA, start
from helpers.web.secrets import WORKSHOP_KEY
from tests.peers.orthanc import PROGRAM, running_orthanc

MB = 1_000_000
MIB = 1024 * 1024
INSTANCES = 400  # of half a megabyte: 210 MB in all
AT_ONCE = 40  # instances that a run asks for pictures of
STUDY, SERIES, COMPRESSED = generate_uid(), generate_uid(), generate_uid()
RAW = 'multipart/related; type="application/octet-stream"'
LOSSLESS = 'multipart/related; type="image/jpeg"; transfer-syntax=1.2.840.10008.1.2.4.70'


def measure():
    if not Path(PROGRAM).exists():
        raise SystemExit("pacs needs Orthanc: apt install orthanc orthanc-dicomweb gcc")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        uids = write_study(folder)
        with classroom_pacs(folder) as (root, process), running_orthanc() as orthanc:
            ours = Client(f"{root}/dicomweb", f"{root}/wadouri")
            peer = Client(orthanc.dicomweb, orthanc.wadouri)
            # First, while the process of the PACS is young and has not grown yet.
            yield from memory(ours, process, sorted(folder.iterdir()))
            compressed = compress(sorted(folder.iterdir()), folder / "compressed")
            ours.store(compressed)
            for file in [*folder.glob("*.dcm"), *compressed]:
                peer.store([file])
            yield from compare(ours, peer, uids)


def compare(ours, peer, uids):
    """Ask both for the same, in turns."""
    study = f"{{dicomweb}}/studies/{STUDY}"
    instances = [f"{study}/series/{SERIES}/instances/{uid}" for uid in uids[:AT_ONCE]]
    frames = [f"{instance}/frames/1" for instance in instances]
    rendered = [f"{instance}/rendered" for instance in instances]
    query = f"{{wadouri}}?requestType=WADO&contentType=image/jpeg&studyUID={STUDY}"
    older = [f"{query}&seriesUID={SERIES}&objectUID={uid}" for uid in uids[:AT_ONCE]]
    found = [f"{{dicomweb}}/studies?StudyInstanceUID={STUDY}"] * 200
    for what, paths, accept, budget in [
        ("QIDO-RS, one study", found, "application/dicom+json", 3),
        ("one study, 210 MB", [study], "*/*", 1.2),
        # Whoever names no transfer syntax gets it unpacked (PS3.18 section 8.7.3).
        ("one study, 210 MB, stored as RLE", [f"{{dicomweb}}/studies/{COMPRESSED}"], "*/*", 1),
        ("frames, raw", frames, RAW, 1.2),
        ("frames, JPEG Lossless", frames, LOSSLESS, 1),
        ("rendered, JPEG", rendered, "image/jpeg", 1.2),
        ("rendered, PNG", rendered, "image/png", 2),
        ("WADO-URI, JPEG", older, "*/*", 1),
    ]:
        candidates = {
            "ours": partial(ours.get_all, paths, accept),
            "peer": partial(peer.get_all, paths, accept),
        }
        seconds = medians(candidates, runs=11)
        rates = {name: len(paths) / taken for name, taken in seconds.items()}
        detail = f"{rates['ours']:,.1f} a second, {rates['peer']:,.1f}"
        yield at_least(f"{what} / Orthanc", rates["ours"] / rates["peer"], budget, detail=detail)


def write_study(folder):
    """Write a CT study, 512 x 512 with 16 bits; return the SOP Instance UIDs."""
    source = pydicom.dcmread(next(Path(DATA).glob("ravi/CT*.dcm")))
    pixels = source.pixel_array
    source.decompress()
    del source["PixelData"]
    uids = []
    for number in range(1, INSTANCES + 1):
        dataset = deepcopy(source)
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = STUDY, SERIES
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.InstanceNumber = number
        dataset.add_new("PixelData", "OW", numpy.roll(pixels, number, axis=1).tobytes())
        dataset.save_as(folder / f"{number}.dcm", enforce_file_format=True)
        uids.append(dataset.SOPInstanceUID)
    return uids


def compress(files, folder):
    """Write the study once more, as RLE and with other UIDs; return its files."""
    folder.mkdir()
    series = generate_uid()
    for file in files:
        dataset = pydicom.dcmread(file)
        dataset.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=True)
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = COMPRESSED, series
        dataset.save_as(folder / file.name, enforce_file_format=True)
    return sorted(folder.iterdir())


class Client:
    """A client that costs little: one connection, and a body that is thrown away.

    Paths begin with `{dicomweb}` or `{wadouri}`.
    """

    def __init__(self, dicomweb, wadouri):
        self.roots = {"dicomweb": urlsplit(dicomweb).path, "wadouri": urlsplit(wadouri).path}
        self.connection = http.client.HTTPConnection(urlsplit(dicomweb).netloc)
        self.buffer = bytearray(256 * 1024)

    def get_all(self, paths, accept):
        # Orthanc hangs up after a second of silence, which is what the other's turn is to it.
        self.connection.close()
        for path in paths:
            self.send("GET", path, {"Accept": accept})

    def store(self, files):
        headers = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=cut'}
        self.connection.close()  # as in `get_all`
        # In chunks: the length is not said.
        self.send("POST", "{dicomweb}/studies", headers, multipart(files))

    def send(self, method, path, headers, body=None):
        headers = {"apikey": WORKSHOP_KEY, **headers}
        self.connection.request(method, path.format(**self.roots), body, headers)
        response = self.connection.getresponse()
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status} {response.read()[:500]}")
        while response.readinto(self.buffer):
            pass


def multipart(files):
    """Yield the body of a request that stores files."""
    for file in files:
        yield b"--cut\r\nContent-Type: application/dicom\r\n\r\n" + file.read_bytes() + b"\r\n"
    yield b"--cut--\r\n"


def memory(client, process, files):
    """Watch the process of the PACS while it sends a study, and while it stores one."""
    send = partial(client.get_all, [f"{{dicomweb}}/studies/{STUDY}"], "*/*")
    yield at_most("memory to send 210 MB", growth(process, send), 30, "MiB")
    # It has them all, and so keeps none: what grows is not the index.
    store = partial(client.store, files)
    yield at_most("memory to store 210 MB at once", growth(process, store), 30, "MiB")


def growth(process, action):
    """Return by how many MiB a process grows at most while something is done."""
    before = largest = process.memory_info().rss
    thread = threading.Thread(target=action)
    thread.start()
    while thread.is_alive():
        largest = max(largest, process.memory_info().rss)
        thread.join(0.002)
    return (largest - before) / MIB


@contextlib.contextmanager
def classroom_pacs(folder):
    """Run the PACS in a process of its own; yield its URL and the process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=serve, args=(folder, theirs), daemon=True)
    child.start()
    try:
        yield ours.recv(), psutil.Process(child.pid)
    finally:
        ours.send("end")
        child.join()


def serve(folder, pipe):
    pacs = start(folder, port=0)
    pipe.send(pacs.url)
    pipe.recv()
    pacs.stop()
