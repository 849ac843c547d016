"""What is in the field: each file that pydicom installs, and three packages of test images.

Nothing here was written for us. Each file is served, asked for in every way, and stored; what comes
is compared with pydicom's own reading, and pictures with dcmtk's. Where they differ, and ours is
right, a table says why. How much was compared is printed at the end.
"""

import base64
import re
import subprocess
from collections import Counter, defaultdict
from contextlib import ExitStack
from copy import deepcopy
from importlib.util import find_spec
from io import BytesIO
from itertools import zip_longest
from pathlib import Path

import numpy
import pydicom
import pytest
import requests
from PIL import Image
from pydicom import config
from pydicom.pixels import apply_modality_lut, pixel_array
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSTransferSyntaxes,
)

from classroom.pacs import server as pacs_server
from helpers.dicom.native_model import read_native
from tests.tools import needs_package, needs_tool

# Of each package, the module with its files, and how many of them there are.
PACKAGES = {
    "pydicom": ("pydicom", 192),
    "pydicom-data": ("data_store", 68),
    "nibabel": ("nibabel", 7),
    "pynetdicom": ("pynetdicom", 6),
}
JSON, XML = "application/dicom+json", "application/dicom+xml"
AS_STORED = "application/dicom; transfer-syntax=*"
RAW = 'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1'
DUPLICATE = 0x0111

# What pydicom cannot decode with Pillow, dcmtk decodes, without a conversion of colours.
BY_DCMTK = {
    **dict.fromkeys((JPEGLossless, JPEGLosslessSV1, JPEGExtended12Bit), ("dcmdjpeg", "+cn")),
    **dict.fromkeys(JPEGLSTransferSyntaxes, ("dcmdjpls",)),
}
ROUNDED = (JPEGBaseline8Bit, JPEGExtended12Bit)  # decoders of these differ by one step

# Which files are not served, and what is said of them.
REFUSED = {
    "it has no Study Instance UID": """
        chrSQEncoding.dcm chrSQEncoding1.dcm fall.dcm hotiron.dcm hotmetalblue.dcm pet.dcm
        pet20step.dcm spring.dcm summer.dcm winter.dcm JPEGLSNearLossless_08.dcm
        JPEGLSNearLossless_16.dcm SC_rgb_jls_lossy_line.dcm SC_rgb_jls_lossy_sample.dcm
        UN_sequence.dcm empty_charset_LEI.dcm nested_priv_SQ.dcm no_meta_group_length.dcm
        priv_SQ.dcm decimal_rescale.dcm""",
    "its Study Instance UID is malformed": "bad_sequence.dcm",
    "it has no Transfer Syntax UID": "meta_missing_tsyntax.dcm",
    "it is not a DICOM file": """
        ExplVR_BigEndNoMeta.dcm ExplVR_LitEndNoMeta.dcm no_meta.dcm rtstruct.dcm
        OT-PAL-8-face.dcm""",
    "it is a DICOMDIR": """
        DICOMDIR DICOMDIR-bigEnd DICOMDIR-empty.dcm DICOMDIR-implicit DICOMDIR-nooffset
        DICOMDIR-nopatient DICOMDIR-reordered""",
    "it is cut short": "rtplan_truncated.dcm",
    # The second says that it is explicit, and is implicit: dcmtk does not read it either.
    "its pixel data is cut short": """
        MR_truncated.dcm SC_rgb_jpeg.dcm emri_small_jpeg_2k_lossless_too_short.dcm""",
    "its Number of Frames cannot be '1A'": "badVR.dcm",
}
REASONS = {name: reason for reason, names in REFUSED.items() for name in names.split()}

# What nobody decodes; and what we do and pydicom does not, so that there is no judge.
DAMAGED = {"JPEG2000-embedded-sequence-delimiter.dcm": "3,722,445,056 columns, says the codestream"}
NOT_JUDGED = {"GDCMJ2K_TextGBR.dcm": "Pillow finds a broken data stream"}
# Which pictures dcmtk does not draw, or not rightly.
NOT_DRAWN = {
    **NOT_JUDGED,
    "SC_rgb_32bit.dcm": "it draws no colours of 32 bits",
    "SC_rgb_32bit_2frame.dcm": "it draws no colours of 32 bits",
    "SC_rgb_expb_32bit.dcm": "it draws no colours of 32 bits",
    "SC_rgb_expb_32bit_2frame.dcm": "it draws no colours of 32 bits",
    "gdcm-US-ALOKA-16.dcm": "it reads no segmented palettes (PS3.3 C.7.9.2)",
    "gdcm-US-ALOKA-16_big.dcm": "it reads no segmented palettes (PS3.3 C.7.9.2)",
    "rtdose_expb.dcm": "it swaps big endian samples of 32 bits in halves",
    "rtdose_expb_1frame.dcm": "it swaps big endian samples of 32 bits in halves",
}


def find_files():
    """Yield what is DICOM, or says so by its name, in each package that is here."""
    for package, (module, _) in PACKAGES.items():
        spec = find_spec(module)
        for place in spec.submodule_search_locations if spec else ():
            for path in sorted(Path(place).rglob("*")):
                if path.is_file() and is_dicom(path):
                    yield package, path


def is_dicom(path):
    with path.open("rb") as file:
        return path.suffix.lower() == ".dcm" or file.read(132)[128:] == b"DICM"


FILES = list(find_files())
PATHS = [path for _, path in FILES]
each_file = pytest.mark.parametrize(
    "path", PATHS, ids=[f"{package}/{path.name}" for package, path in FILES]
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::UserWarning"),  # what pydicom thinks of these files
    needs_tool("dcmj2pnm", "dcmtk"),
    *(needs_package(module, package) for package, (module, _) in PACKAGES.items()),
]


@pytest.fixture(scope="module")
def counts(request):
    """Return what is counted; it is printed when all is done."""
    found = Counter()
    yield found
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print("", *(f"{number:6} {what}" for what, number in found.items()), sep="\n")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Serve each file; return where: {path: what is asked of its server, and of which instance}.

    Files of different content share their UID: they are served by several servers.
    """
    layers, seen = defaultdict(dict), Counter()
    for number, path in enumerate(PATHS):
        uid = header_of(path).get("SOPInstanceUID", "")
        layers[seen[uid] if uid else 0][path] = f"{number}_{path.name}"
        seen[uid] += 1
    found = {}
    with ExitStack() as stack:
        for number, layer in layers.items():
            folder = tmp_path_factory.mktemp(f"layer{number}")
            for path, name in layer.items():
                (folder / name).symlink_to(path)
            running = pacs_server.start(folder, port=0, apikey=None, edition="current")
            stack.callback(running.stop)
            session = stack.enter_context(requests.Session())
            instances = {
                instance.path.name: instance
                for study in running.archive.studies.values()
                for instance in study.instances
            }
            lines = dict(line.removeprefix(f"{folder}/").split(": ", 1) for line in running.skipped)
            for path, name in layer.items():
                found[path] = Asked(running.url, session, instances.get(name), lines.get(name))
        yield found


class Asked:
    """A file as its server serves it: the instance, or the line that says why there is none."""

    def __init__(self, url, session, instance=None, line=None):
        self.root, self.session = f"{url}/dicomweb", session
        self.instance, self.line = instance, line

    def get(self, below, accept):
        return self.session.get(self.root + below, headers={"Accept": accept}, timeout=30)

    def of_it(self, below, accept):
        return self.get(f"/{self.instance.resource}{below}", accept)

    def store(self, content):
        content_type = 'multipart/related; type="application/dicom"; boundary=b'
        return self.session.post(
            f"{self.root}/studies",
            data=b"--b\r\nContent-Type: application/dicom\r\n\r\n" + content + b"\r\n--b--\r\n",
            headers={"Content-Type": content_type, "Accept": JSON},
            timeout=30,
        )


@pytest.fixture(scope="module")
def storing(tmp_path_factory):
    """Run a server that stores all of them, one after the other."""
    running = pacs_server.start(
        tmp_path_factory.mktemp("empty"), port=0, apikey=None, edition="current"
    )
    with requests.Session() as session:
        yield Asked(running.url, session)
    running.stop()


@pytest.fixture(autouse=True)
def as_it_is(monkeypatch):
    """Let pydicom write a UID that has a zero in front, too."""
    monkeypatch.setattr(config.settings, "writing_validation_mode", config.IGNORE)


def header_of(path):
    """Read a file as pydicom does, up to its pixels."""
    return pydicom.dcmread(path, stop_before_pixels=True, force=True)


def test_the_packages_hold_what_they_held():
    expected = {package: count for package, (_, count) in PACKAGES.items()}
    assert Counter(package for package, _ in FILES) == expected


@each_file
def test_it_is_found_at_each_level_or_refused_with_a_line(served, counts, path):
    found = served[path]
    counts["files"] += 1
    assert (found.instance is None) is (path.name in REASONS), found.line
    if found.instance is None:
        assert found.line.startswith(REASONS[path.name])
        counts["refused, with a line"] += 1
        return
    for level, keyword in (
        ("studies", "StudyInstanceUID"),
        ("series", "SeriesInstanceUID"),
        ("instances", "SOPInstanceUID"),
    ):
        wanted = header_of(path)[keyword]
        [record] = found.get(f"/{level}?{keyword}={wanted.value}", JSON).json()
        assert record[f"{wanted.tag:08X}"]["Value"] == [wanted.value]
    counts["found as study, series and instance"] += 1


@each_file
def test_it_comes_back_byte_for_byte_also_when_it_was_stored(served, storing, counts, path):
    found, content = served[path], path.read_bytes()
    if found.instance is not None:
        assert found.of_it("", AS_STORED).content == content
        counts["returned byte for byte"] += 1
    answer = storing.store(content)
    counts[f"stored with {answer.status_code}"] += 1
    if answer.status_code in (200, 202):
        assert storing.get(f"/{found.instance.resource}", AS_STORED).content == content
        return
    assert answer.status_code == 409
    # That of another file is there, or it is none that is served.
    [reason] = re.findall(r'"00081197": *\{[^}]*"Value": *\[(\d+)\]', answer.text)
    assert (int(reason) == DUPLICATE) is (found.instance is not None)


@each_file
def test_its_json_is_its_xml_and_what_pydicom_reads(served, counts, path):
    found = served[path]
    if found.instance is None:
        return
    [ours] = found.of_it("/metadata", JSON).json()
    [document] = parts(found.of_it("/metadata", f'multipart/related; type="{XML}"'))
    assert read_native(document) == ours
    ours.pop("7FE00010", None)
    dataset = header_of(path)
    # base64 makes four letters of three bytes: both draw the line at 768.
    theirs = dataset.to_json_dict(bulk_data_threshold=1024, bulk_data_element_handler=lambda _: "")
    is_little = dataset.original_encoding[1]
    assert without_links(ours) == as_we_write(theirs, is_little)
    counts["JSON equal to XML and to pydicom's"] += 1


def without_links(record):
    for attribute in record.values():
        if "BulkDataURI" in attribute:
            attribute["BulkDataURI"] = ""
        for item in attribute.get("Value", ()) if attribute["vr"] == "SQ" else ():
            without_links(item)
    return record


def as_we_write(record, is_little):
    """Return what pydicom writes as PS3.18 annex F wants it, where that differs."""
    made = {}
    for tag, attribute in record.items():
        if tag.endswith("0000"):
            continue  # group lengths tell of the encoding, and the model has another
        values = attribute.pop("Value", [])
        if tag == "00080005":
            values = ["ISO_IR 192"]  # JSON is UTF-8, whatever the file was
        elif attribute["vr"] == "SQ":
            values = [as_we_write(item, is_little) for item in values]
        elif attribute["vr"] == "OW" and not is_little and attribute.get("InlineBinary"):
            words = numpy.frombuffer(base64.b64decode(attribute["InlineBinary"]), ">u2")
            attribute["InlineBinary"] = base64.b64encode(words.astype("<u2").tobytes()).decode()
        else:
            values = [written(value) for value in values]
        made[tag] = attribute if values in ([], [None]) else {**attribute, "Value": values}
    return made


def written(value):
    """Return null for an empty value among others, and a name without empty components behind."""
    if not isinstance(value, dict):
        return None if value == "" else value
    return {name: group.rstrip("^") for name, group in value.items() if group.rstrip("^")} or None


@each_file
def test_its_frames_are_those_that_pydicom_decodes(served, counts, path, tmp_path):
    found = served[path]
    if found.instance is None or not found.instance.frames:
        return
    numbers = range(1, found.instance.frames + 1)
    answer = found.of_it(f"/frames/{','.join(map(str, numbers))}", RAW)
    if path.name in DAMAGED:
        assert answer.status_code == 406
        counts["frames that nobody decodes"] += 1
        return
    frames = parts(answer)
    assert len(frames) == len(numbers)
    if path.name in NOT_JUDGED:
        counts["frames that pydicom does not decode"] += len(frames)
        return
    dataset = decodable(path, tmp_path)
    most = 1 if found.instance.transfer_syntax in ROUNDED else 0
    for index, data in enumerate(frames):
        theirs = pixel_array(dataset, raw=True, index=index)
        if dataset.PhotometricInterpretation == "YBR_FULL_422":
            # Two pixels share their colour in what we send, as the data set says.
            theirs = theirs.copy()
            theirs[:, 1::2, 1:] = theirs[:, ::2, 1:]
        ours = pixel_array(raw(dataset, data), raw=True)
        assert difference(ours, theirs) <= most, f"frame {index + 1}"
        counts["frames equal to pydicom's"] += 1


def difference(ours, theirs):
    """Return by how much two samples differ, at most."""
    assert ours.shape == theirs.shape
    return abs(ours.astype("i8") - theirs.astype("i8")).max()


def decodable(path, folder):
    """Return a data set whose pixels pydicom can decode: for some encodings, dcmtk has done it."""
    dataset = pydicom.dcmread(path)
    if program := BY_DCMTK.get(dataset.file_meta.TransferSyntaxUID):
        made = folder / "decoded.dcm"
        subprocess.run([*program, path, made], check=True, capture_output=True)
        dataset = pydicom.dcmread(made)
    return dataset


def raw(dataset, data):
    """Return a data set of one frame of raw samples."""
    made = deepcopy(dataset.group_dataset(0x0028))
    made.NumberOfFrames = 1
    made.file_meta = pydicom.dataset.FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.PixelData = data + b"\0" * (len(data) % 2)
    made["PixelData"].VR = "OB" if made.BitsAllocated <= 8 else "OW"
    return made


@each_file
def test_its_pictures_are_those_of_dcmtk(served, counts, path, tmp_path):
    found = served[path]
    if found.instance is None or not found.instance.frames:
        return
    numbers = range(1, found.instance.frames + 1)
    if path.name in DAMAGED:
        answer = found.of_it("/rendered", "image/png")
        assert answer.status_code == 406 and "damaged" in answer.json()["detail"]
        counts["pictures that nobody draws"] += 1
        return
    dataset = decodable(path, tmp_path)
    query, options = ("", []) if path.name in NOT_JUDGED else window_of(dataset)
    theirs = [] if path.name in NOT_DRAWN else drawn(path, dataset, options, tmp_path)
    # Red, green and blue are rounded three times on their way from YBR_FULL.
    most = 2 if dataset.PhotometricInterpretation == "YBR_FULL" else 1
    for number, expected in zip_longest(numbers, theirs):
        answer = found.of_it(f"/frames/{number}/rendered{query}", "image/png")
        ours = numpy.asarray(Image.open(BytesIO(answer.content)))
        if path.name in NOT_DRAWN:
            counts["pictures that dcmtk does not draw, or not rightly"] += 1
            continue
        assert difference(ours, expected) <= most, f"frame {number}"
        counts["pictures equal to dcmtk's"] += 1


def window_of(dataset):
    """Return a window that both can be told, as our query and dcmtk's options: the file's first."""
    if dataset.SamplesPerPixel > 1 or dataset.PhotometricInterpretation == "PALETTE COLOR":
        return "", []
    if dataset.get("VOILUTSequence"):
        return "", ["+Wl", "1"]
    widths = numpy.atleast_1d(dataset.get("WindowWidth") or 0)
    if float(widths[0] or 0) >= 1:
        return "", ["+Wi", "1"]
    values = apply_modality_lut(pixel_array(dataset, raw=True), dataset)
    low, high = float(values.min()), float(values.max())
    center, width = f"{(low + high + 1) / 2}", f"{high - low + 1}"
    return f"?window={center},{width},linear", ["+Ww", center, width]


def drawn(path, dataset, options, folder):
    """Let dcmtk draw all frames of a file, without overlays; it has no decoder of JPEG 2000."""
    syntax = header_of(path).file_meta.TransferSyntaxUID
    if syntax in JPEG2000TransferSyntaxes or syntax in BY_DCMTK:
        path = folder / "plain.dcm"
        plain(dataset).save_as(path)
    command = ["dcmj2pnm", "-O", "+Fa", "+op", *options, path, folder / "picture"]
    subprocess.run(command, check=True, capture_output=True)
    pictures = sorted(folder.glob("picture.*"), key=lambda file: int(file.name.split(".")[1]))
    return [numpy.asarray(Image.open(file)) for file in pictures]


def plain(dataset):
    """Return a data set with the samples that pydicom decodes."""
    if not dataset.file_meta.TransferSyntaxUID.is_compressed:
        return dataset
    dataset.PixelData = pixel_array(dataset, raw=True).tobytes()
    dataset["PixelData"].VR = "OB" if dataset.BitsAllocated <= 8 else "OW"
    if dataset.SamplesPerPixel > 1:
        dataset.PlanarConfiguration, dataset.PhotometricInterpretation = 0, "RGB"
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


def parts(answer):
    """Split a multipart answer, whose data does not hold the boundary."""
    assert answer.status_code == 200, answer.text
    boundary = re.search('boundary="?([^";]+)', answer.headers["Content-Type"])[1].encode()
    pieces = answer.content.split(b"--" + boundary)[1:-1]
    return [piece.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for piece in pieces]
