"""Read and draw damaged files, in a process of its own: what a C decoder does wrong ends only this.

Run with how many damaged files of each transfer syntax to try, and a seed. It prints how many were
served, how many pictures were drawn, and how many MB the process took beyond what it had before.
"""

import contextlib
import io
import random
import sys
import tempfile
import warnings
from pathlib import Path

import pydicom
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
)

from classroom.pacs.frames import read_frame
from classroom.pacs.image_file import NotAvailable, open_image
from classroom.pacs.instance import read_instance
from classroom.pacs.part10 import NotServed
from classroom.pacs.rendered import render
from classroom.pacs.transcode import transcode
from tests.helpers.pixels.fuzz import BYTES, damaged, frames, memory

NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)


def files():
    """Yield whole files, one of each transfer syntax and depth."""
    for frame, syntax, pixel in frames():
        yield file_of(encapsulate([frame]), syntax, pixel)
    for syntax in (*NATIVE, DeflatedExplicitVRLittleEndian):
        yield file_of(bytes(BYTES.size), syntax, BYTES)


def file_of(pixel_data, syntax, pixel):
    dataset = pydicom.Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.SOPClassUID, dataset.SOPInstanceUID = SecondaryCaptureImageStorage, "2.25.1"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "2.25.2", "2.25.3"
    dataset.PatientName, dataset.Modality = "Odd^File", "OT"
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = (
        pixel.rows,
        pixel.columns,
        pixel.samples,
    )
    dataset.PhotometricInterpretation = pixel.photometric
    if pixel.samples > 1:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated, dataset.BitsStored = pixel.bits_allocated, pixel.bits_stored
    dataset.HighBit, dataset.PixelRepresentation = pixel.high_bit, 0
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0
    dataset.WindowCenter, dataset.WindowWidth = 2000, 4000
    dataset.PixelData = pixel_data
    dataset["PixelData"].VR = "OB" if pixel.bits_allocated == 8 or syntax.is_compressed else "OW"
    file = io.BytesIO()
    pydicom.dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def look_at(path):
    """Do with a file all that the PACS does; return how many pictures there were to be seen."""
    read_instance(path)
    drawn = 0
    with contextlib.suppress(NotAvailable):
        open_image(path).check_frames()
    for media_type in ("image/png", "image/jpeg"):
        with contextlib.suppress(NotAvailable):
            drawn += bool(render(path, 1, media_type, viewport=(64, 64)))
    with contextlib.suppress(NotAvailable):
        read_frame(path, 1, ExplicitVRLittleEndian)
    with contextlib.suppress(NotAvailable):
        transcode(path, ExplicitVRLittleEndian)[0].close()
    return drawn


def main(count, seed):
    warnings.simplefilter("ignore")
    rng, before, served, drawn = random.Random(seed), 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.dcm"
        for whole in files():
            path.write_bytes(whole)
            look_at(path)
            before = before or memory()
            for _ in range(count):
                # Not the preamble: nobody reads it.
                path.write_bytes(whole[:128] + damaged(whole[128:], rng))
                with contextlib.suppress(NotServed):
                    drawn += look_at(path)
                    served += 1
    print(served, drawn, memory() - before)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
