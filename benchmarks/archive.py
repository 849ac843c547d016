"""A large archive: how soon it is served, beside dicomweb-client; and a search by UID in it."""

import contextlib
import statistics
import tempfile
import time
from pathlib import Path

import psutil
import pydicom
import requests
from dicomweb_client import DICOMfileClient
from pydicom.uid import generate_uid

from benchmarks import at_least, at_most, medians
from classroom.pacs.folder import read_archive
from classroom.pacs.server import DATA, start

INSTANCES, FEW = 10_000, 100
RUNS = 3
SEARCHES = 60
IN_A_SERIES = 200


def measure():
    with tempfile.TemporaryDirectory() as few, tempfile.TemporaryDirectory() as many:
        write_studies(Path(few), FEW)
        uid = write_studies(Path(many), INSTANCES)
        before = psutil.Process().memory_info().rss
        archive = read_archive(many)
        size = (psutil.Process().memory_info().rss - before) / INSTANCES / 1000
        yield at_most("an instance in the index, before its attributes", size, 10, "kB")
        del archive
        seconds = medians({"ours": lambda: read_archive(many), "theirs": lambda: read(many)}, RUNS)
        ratio = seconds["theirs"] / seconds["ours"]
        what = f"index of {INSTANCES:,} files, against dicomweb-client"
        yield at_least(what, ratio, 2, detail=f"{seconds['ours']:.1f} s")
        yield at_most(f"index of {INSTANCES:,} files", seconds["ours"], 5, "s")
        small, large = search(few, uid_of(Path(few))), search(many, uid)
        detail = f"{large * 1000:.1f} ms"
        yield at_most("search by UID, 10,000 against 100", large / small, 1.5, "x", detail)


def write_studies(folder, count):
    """Write so many images, in studies of one series each; return the UID of the last."""
    sources = [pydicom.dcmread(path) for path in sorted(DATA.glob("*/CT*.dcm"))[:IN_A_SERIES]]
    for number in range(count):
        dataset = sources[number % len(sources)]
        if number < len(sources):  # as many attributes as ever, and few pixels
            dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
            dataset.Rows = dataset.Columns = 8
            dataset.PixelData = bytes(128)
            dataset["PixelData"].VR = "OW"
        if number % IN_A_SERIES == 0:
            study, series = generate_uid(), generate_uid()
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset.InstanceNumber = number % IN_A_SERIES + 1
        dataset.save_as(folder / f"{number:05}.dcm")
    return dataset.SOPInstanceUID


def uid_of(folder):
    return pydicom.dcmread(folder / "00000.dcm").SOPInstanceUID


def read(folder):
    """Let dicomweb-client read a folder."""
    return DICOMfileClient(f"file://{folder}", in_memory=True, update_db=True)


def search(folder, uid):
    """Return the median seconds of a search for one instance."""
    pacs = start(folder, port=0, apikey=None)
    try:
        pacs.wait_until_read()
        for instance in pacs.archive.find_all():
            _ = instance.attributes  # which are read behind the back of the first who ask
        seconds = []
        with contextlib.closing(requests.Session()) as session:
            for _ in range(SEARCHES):
                begin = time.perf_counter()
                answer = session.get(f"{pacs.url}/dicomweb/instances?SOPInstanceUID={uid}")
                seconds.append(time.perf_counter() - begin)
                assert answer.status_code == 200
        return statistics.median(seconds)
    finally:
        pacs.stop()
