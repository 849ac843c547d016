"""Stored files whose pixels are broken, or lie: 406 with the reason, and the server goes on."""

import re
import struct
import subprocess
import sys
import zlib
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy
import pydicom
import pytest
import requests
from pydicom.encaps import encapsulate
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from classroom.pacs import server as pacs_server
from classroom.pacs.image_file import NotAvailable, open_image
from classroom.pacs.instance import read_instance, read_place
from classroom.pacs.part10 import NotServed
from classroom.pacs.rendered import render
from classroom.pacs.transcode import transcode
from helpers.dicom.native_model import read_native, write_native
from tests.answers import multipart_body
from tests.archive import RAVI
from tests.classroom.pacs.test_render import opened
from tests.helpers.synthetic import item, palette, write_image

ROOT = Path(__file__).parents[3]
GREY = numpy.arange(256, dtype="u1").reshape(16, 16)
RAMP = numpy.tile(numpy.arange(64, dtype="u2") * 64, (64, 1))
AS_STORED = "application/dicom; transfer-syntax=*"
RAW = ExplicitVRLittleEndian


def compressed(path, data, transfer_syntax, **attributes):
    """Write an image that holds one compressed frame."""
    dataset = write_image(path, GREY, **attributes)
    dataset.file_meta.TransferSyntaxUID = transfer_syntax
    dataset.PixelData = encapsulate([data])
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    dataset.save_as(path)
    return path


def lying(data, marker, at, code):
    """Change the size in a codestream to 60,000 by 60,000."""
    at += data.index(marker)
    size = struct.pack(code, *[60_000] * len(code.strip(">")))
    return data[:at] + size + data[at + len(size) :]


def one_bit_flipped(path):
    """Write a slice of Ravi whose second segment of RLE begins a gigabyte behind the frame."""
    whole = bytearray(RAVI[0].read_bytes())
    header = whole.index(struct.pack("<2L", 2, 64))
    whole[header + 11] ^= 0x40
    path.write_bytes(whole)
    return path


def jpeg(path, **attributes):
    data = lying(imagecodecs.jpeg8_encode(GREY), b"\xff\xc0", 5, ">HH")
    return compressed(path, data, JPEGBaseline8Bit, **attributes)


def vast_jpeg(path):
    return jpeg(path, Rows=60_000, Columns=60_000)


def jpeg_ls(path):
    data = lying(imagecodecs.jpegls_encode(GREY), b"\xff\xf7", 5, ">HH")
    return compressed(path, data, JPEGLSLossless)


def jpeg_2000(path):
    data = imagecodecs.jpeg2k_encode(GREY, level=0, codecformat="j2k")
    data = lying(lying(data, b"\xff\x51", 6, ">LL"), b"\xff\x51", 22, ">LL")
    return compressed(path, data, JPEG2000)


def no_jpeg(path):
    return compressed(path, bytes(range(200)), JPEGBaseline8Bit)


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """Run a server on broken images; return them by name, and its root."""
    folder = tmp_path_factory.mktemp("broken")
    kinds = (one_bit_flipped, jpeg, vast_jpeg, jpeg_ls, jpeg_2000, no_jpeg)
    images = {kind: pydicom.dcmread(kind(folder / f"{kind.__name__}.dcm")) for kind in kinds}
    running = pacs_server.start(folder, port=0, apikey=None)
    yield images, f"{running.url}/dicomweb"
    running.stop()


@pytest.mark.parametrize("kind", [one_bit_flipped, jpeg, vast_jpeg, jpeg_ls, jpeg_2000, no_jpeg])
def test_broken_frame_is_a_406_with_the_reason(broken, kind):
    images, root = broken
    dataset = images[kind]
    url = f"{root}/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}"
    url += f"/instances/{dataset.SOPInstanceUID}"
    raw = 'multipart/related; type="application/octet-stream"'
    whole = f'multipart/related; type="application/dicom"; transfer-syntax={RAW}'
    for behind, accept in (
        ("/rendered", "image/png"),
        ("/thumbnail", "image/jpeg"),
        ("/frames/1", raw),
        ("", whole),
    ):
        answer = requests.get(url + behind, headers={"Accept": accept}, timeout=30)
        assert answer.status_code == 406, behind
        assert "cannot be decoded" in answer.json()["detail"] + answer.json()["hint"]
    as_stored = requests.get(url + "/frames/1", headers={"Accept": f"{raw}; transfer-syntax=*"})
    assert as_stored.status_code == 200


@pytest.mark.parametrize("kind", [one_bit_flipped, jpeg, vast_jpeg, jpeg_ls, jpeg_2000, no_jpeg])
def test_broken_frame_is_stored_with_a_warning_that_says_which_one(tmp_path, kind):
    """An archive keeps what it gets; but who sends it learns that nobody will see it."""
    (tmp_path / "empty").mkdir()
    data = kind(tmp_path / "made.dcm").read_bytes()
    running = pacs_server.start(tmp_path / "empty", port=0, apikey=None)
    try:
        body, content_type = multipart_body([data], "application/dicom")
        headers = {"Content-Type": content_type, "Accept": "application/dicom+json"}
        url = f"{running.url}/dicomweb/studies"
        answer = requests.post(url, data=body, headers=headers, timeout=30)
        assert answer.status_code == 202
        [item] = pydicom.Dataset.from_json(answer.json()).ReferencedSOPSequence
        assert item.WarningReason == 0xB007
        assert "frame 1 is damaged" in item.ErrorComment
        kept = requests.get(item.RetrieveURL, headers={"Accept": AS_STORED}, timeout=30)
        assert kept.content == data
    finally:
        running.stop()


def test_damage_is_found_in_any_frame(tmp_path):
    frame = imagecodecs.jpeg8_encode(GREY)
    dataset = write_image(tmp_path / "made.dcm", GREY, NumberOfFrames=3)
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    for frames, damaged in (([frame] * 3, None), ([frame, frame, frame[:-40]], 3)):
        dataset.PixelData = encapsulate(frames)
        path = tmp_path / f"{damaged}.dcm"
        dataset.save_as(path)
        if damaged is None:
            open_image(path).check_frames()
            continue
        with pytest.raises(NotAvailable, match=f"frame {damaged} is damaged"):
            open_image(path).check_frames()


@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, RLELossless])
@pytest.mark.parametrize("keyword", ["Rows", "Columns", "BitsAllocated"])
def test_pixels_without_a_description_are_not_transcoded(tmp_path, keyword, syntax):
    write_image(tmp_path / "made.dcm", RAMP, **{keyword: None})
    with pytest.raises(NotAvailable, match=keyword):
        transcode(tmp_path / "made.dcm", syntax)


def test_pixels_that_do_not_say_whether_they_have_a_sign_have_none(tmp_path):
    write_image(tmp_path / "made.dcm", RAMP, PixelRepresentation=None)
    file, _ = transcode(tmp_path / "made.dcm", RLELossless)
    with file:
        dataset = pydicom.dcmread(file)
    dataset.PixelRepresentation = 0
    assert (dataset.pixel_array == RAMP).all()


def table(descriptor, data):
    made = item()
    if descriptor:
        made.add_new("LUTDescriptor", "US", descriptor)
    if data is not None:
        made.add_new("LUTData", "OW", data)
    return [made]


NO_RESCALE = {"RescaleSlope": None, "RescaleIntercept": None}


@pytest.mark.parametrize(
    "attributes",
    [
        {"RescaleSlope": "", "RescaleIntercept": ""},
        {"RescaleSlope": ""},
        NO_RESCALE | {"VOILUTSequence": table(None, None)},
        NO_RESCALE | {"VOILUTSequence": table([4096, 0, 16], b"")},
        NO_RESCALE | {"ModalityLUTSequence": table(None, None)},
        NO_RESCALE | {"WindowCenter": "", "WindowWidth": ""},
    ],
)
def test_what_is_there_without_a_value_is_as_what_is_not_there(tmp_path, attributes):
    write_image(tmp_path / "plain.dcm", RAMP, **NO_RESCALE)
    write_image(tmp_path / "made.dcm", RAMP, **attributes)
    pictures = [render(tmp_path / name, 1, "image/png") for name in ("plain.dcm", "made.dcm")]
    assert pictures[0] == pictures[1]


@pytest.mark.parametrize(
    "attributes",
    [
        NO_RESCALE | {"VOILUTSequence": table([4096, 0, 16], bytes(32))},
        NO_RESCALE | {"ModalityLUTSequence": table([4096, 0, 16], bytes(32))},
        palette(4096) | {"RedPaletteColorLookupTableData": b"\1\2"},
        palette(4096) | {"RedPaletteColorLookupTableData": b""},
    ],
)
def test_table_that_is_short_cannot_be_drawn(tmp_path, attributes):
    write_image(tmp_path / "made.dcm", RAMP, **attributes)
    with pytest.raises(NotAvailable, match=r"damaged|missing"):
        render(tmp_path / "made.dcm", 1, "image/png")


def test_table_of_no_bits_has_those_that_it_needs(tmp_path):
    entries = numpy.arange(4096, dtype="<u2").tobytes()
    write_image(
        tmp_path / "made.dcm", RAMP, **NO_RESCALE, VOILUTSequence=table([4096, 0, 0], entries)
    )
    shown = opened(render(tmp_path / "made.dcm", 1, "image/png"))
    assert abs(shown - RAMP / 4095 * 255).max() <= 1


def test_palette_of_a_big_endian_file(tmp_path):
    """Its words stand in the order of the file; those of its little endian twin are reversed."""
    little = write_image(tmp_path / "little.dcm", RAMP, **palette(4096))
    for name in ("Red", "Green", "Blue"):
        keyword = f"{name}PaletteColorLookupTableData"
        words = numpy.frombuffer(little[keyword].value, "<u2").astype(">u2").tobytes()
        little[keyword].value = words
    little.PixelData = RAMP.astype(">u2").tobytes()
    little.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    pydicom.dcmwrite(tmp_path / "big.dcm", little, implicit_vr=False, little_endian=False)
    pictures = [render(tmp_path / name, 1, "image/png") for name in ("little.dcm", "big.dcm")]
    assert opened(pictures[0]).std() > 10
    assert pictures[0] == pictures[1]


@contextmanager
def served(folder):
    """Run a server on a folder; yield a function that asks for what is below its instance."""
    running = pacs_server.start(folder, port=0, apikey=None)
    [study] = running.archive.studies.values()
    url = f"{running.url}/dicomweb/{study.instances[0].resource}"
    try:
        yield lambda below, accept: requests.get(url + below, headers={"Accept": accept}, timeout=9)
    finally:
        running.stop()


@pytest.mark.parametrize("syntax", [RAW, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_image_without_pixel_data_has_all_but_frames(tmp_path, syntax):
    dataset = write_image(tmp_path / "made.dcm", GREY, SmallestImagePixelValue=None)
    del dataset.PixelData
    dataset.file_meta.TransferSyntaxUID = syntax
    is_little = syntax != ExplicitVRBigEndian
    pydicom.dcmwrite(tmp_path / "made.dcm", dataset, implicit_vr=False, little_endian=is_little)
    with served(tmp_path) as get:
        [metadata] = get("/metadata", "application/dicom+json").json()
        assert metadata["00280010"]["Value"] == [16] and "7FE00010" not in metadata
        whole = get("", "application/dicom; transfer-syntax=*")
        assert whole.content == (tmp_path / "made.dcm").read_bytes()
        explicit = pydicom.dcmread(BytesIO(get("", "application/dicom").content))
        assert (explicit.Rows, explicit.file_meta.TransferSyntaxUID) == (16, RAW)
        for below, accept in (("/frames/1", "*/*"), ("/rendered", "image/png")):
            assert get(below, accept).status_code == 404


@pytest.mark.parametrize("number", [110, 111, 112, 999])
def test_frame_in_an_encoding_that_nobody_here_reads_comes_as_it_is_stored(tmp_path, number):
    data, syntax = b"\xff\n some stream of bytes", f"1.2.840.10008.1.2.4.{number}"
    path = compressed(tmp_path / "made.dcm", data, HTJ2K)  # pydicom writes only what it knows
    path.write_bytes(path.read_bytes().replace(HTJ2K.encode(), syntax.encode()))
    with served(tmp_path) as get:
        [metadata] = get("/metadata", "application/dicom+json").json()
        assert metadata["7FE00010"]["vr"] == "OB"
        for accept in ("application/dicom; transfer-syntax=*", "application/dicom"):
            assert get("", accept).content == path.read_bytes()
        frames = get(
            "/frames/1", "multipart/related; type=application/octet-stream; transfer-syntax=*"
        )
        assert frames.status_code == 200 and data in frames.content
        assert f"transfer-syntax={syntax}".encode() in frames.content
        for below, accept in (("/rendered", "image/png"), ("/frames/1", "image/jls")):
            answer = get(below, accept)
            assert answer.status_code == 406 and answer.json()["hint"]


def test_what_pydicom_thinks_of_a_uid_is_not_said_by_the_server(tmp_path):
    """In tests a warning is an error, which would be the answer."""
    path = tmp_path / "made.dcm"
    write_image(path, GREY, FrameOfReferenceUID="1.2.3.44")
    path.write_bytes(path.read_bytes().replace(b"1.2.3.44", b"1.2.3.04"))
    file, _ = transcode(path, RLELossless)
    with file:
        assert b"1.2.3.04" in file.read()


def test_a_file_that_inflates_without_end_is_left_out(tmp_path):
    assert read_instance(inflating(tmp_path, 1)).frames == 1
    path = inflating(tmp_path, 300)
    assert path.stat().st_size < 4 << 20
    with pytest.raises(NotServed, match="inflated"):
        read_instance(path)


def inflating(tmp_path, megabytes):
    """Write a small file that inflates to a large one."""
    dataset = write_image(tmp_path / "made.dcm", GREY)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    whole = BytesIO()
    pydicom.dcmwrite(whole, dataset, implicit_vr=False, little_endian=True)
    head = whole.getvalue()[:144]
    head += whole.getvalue()[144 : 144 + int.from_bytes(head[140:], "little")]
    deflater = zlib.compressobj(1, zlib.DEFLATED, -15)
    bomb = zlib.decompress(whole.getvalue()[len(head) :], -15)[:-264]
    bomb += struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OW", 0, megabytes << 20)
    bomb = deflater.compress(bomb)
    bomb += b"".join(deflater.compress(bytes(1 << 20)) for _ in range(megabytes)) + deflater.flush()
    return write(tmp_path / f"{megabytes}.dcm", head + bomb)


def test_a_file_that_inflates_without_end_is_refused_in_little_memory(tmp_path):
    """Also where only its UIDs are wanted, for the answer that refuses it."""
    bomb = inflating(tmp_path, 300)
    (tmp_path / "empty").mkdir()
    program = (
        "import resource, sys, requests\n"
        "from classroom.pacs import server\n"
        "from tests.answers import multipart_body\n"
        "pacs = server.start(sys.argv[1], port=0, apikey=None)\n"
        "body, kind = multipart_body([open(sys.argv[2], 'rb').read()], 'application/dicom')\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "url = pacs.url + '/dicomweb/studies'\n"
        "answer = requests.post(url, data=body, headers={'Content-Type': kind}, timeout=60)\n"
        "print(answer.status_code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
        "pacs.stop()\n"
    )
    command = [sys.executable, "-c", program, tmp_path / "empty", bomb]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=90)
    status, grown = map(int, ended.stdout.split())
    assert status == 409
    assert grown >> (20 if sys.platform == "darwin" else 10) < 100


def write(path, data):
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("seed", [1, 2])
def test_no_damaged_file_ends_the_process_or_fills_the_memory(seed):
    """Of each transfer syntax that is decoded, and not compressed: served, or left out."""
    command = [sys.executable, "-m", "tests.classroom.pacs.fuzz", "30", str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    served, drawn, megabytes = map(int, done.stdout.split())
    assert served > 50 and drawn > 50
    assert megabytes < 300


SEQUENCE = struct.pack("<HH2sHLHHL", 8, 0x1140, b"SQ", 0, 0xFFFFFFFF, 0xFFFE, 0xE000, 0xFFFFFFFF)
ITS_END = struct.pack("<HHLHHL", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)


def with_lengths(levels):
    """Return sequences in sequences of known lengths, which pydicom reads when it is asked."""
    inner = struct.pack("<HH2sH4s", 0x10, 0x4000, b"LT", 4, b"deep")
    for _ in range(levels):
        item = struct.pack("<HHL", 0xFFFE, 0xE000, len(inner)) + inner
        inner = struct.pack("<HH2sHL", 8, 0x1140, b"SQ", 0, len(item)) + item
    return inner


def without_lengths(levels):
    inner = struct.pack("<HH2sH4s", 0x10, 0x4000, b"LT", 4, b"deep")
    return SEQUENCE * levels + inner + ITS_END * levels


@pytest.mark.parametrize("nest", [with_lengths, without_lengths])
@pytest.mark.parametrize("levels", [1, 64, 65, 200, 312, 1000, 20_000])
def test_sequences_in_sequences_are_served_whole_or_left_out(tmp_path, levels, nest):
    """Never a part of them, which would pass for the whole."""
    whole = write_image(tmp_path / "made.dcm", GREY)
    before = struct.pack("<HH2s", 0x10, 0x10, b"PN")
    data = (tmp_path / "made.dcm").read_bytes()
    assert whole and data.count(before) == 1
    path = write(tmp_path / "deep.dcm", data.replace(before, nest(levels) + before))
    if levels > 64:
        for read in (read_instance, read_place):
            with pytest.raises(NotServed, match="nested in more than 64 levels"):
                read(path)
        return
    record = read_instance(path).attributes
    assert record == read_native(write_native(record)) | {"7FE00010": record["7FE00010"]}
    for _ in range(levels):
        [record] = record["00081140"]["Value"]
    assert record["00104000"]["Value"] == ["deep"]
    transcode(path, JPEGLSLossless)[0].close()


def replaced(old, new):
    """Return a function that replaces some bytes of a file, once."""

    def replace(data):
        assert data.count(old) >= 1
        return data.replace(old, new, 1)

    return replace


def number_of_frames(text):
    return replaced(b"\x28\0\x08\0IS\2\x001 ", b"\x28\0\x08\0IS\2\0" + text)


ODD = {
    "two photometric interpretations": (
        {"PhotometricInterpretation": ["MONOCHROME2", "RGB"]},
        None,
    ),
    "an unknown VR": ({"PatientComments": "x"}, replaced(b"\x10\0\0\x40LT", b"\x10\0\0\x40ZZ")),
    "no rows": ({"Rows": None}, None),
    "no columns": ({"Columns": None}, None),
    "no sign": ({"PixelRepresentation": None}, None),
    "no bits": ({"BitsAllocated": None}, None),
    "bits that are none": ({"BitsStored": 200}, None),
    "a high bit that is none": ({"HighBit": 60}, None),
    "an element of a command": (
        {},
        replaced(b"\x08\0\x16\0UI", b"\0\0\2\0UI\4\x001.2\0\x08\0\x16\0UI"),
    ),
    "a window in letters": (
        {"WindowCenter": "40", "WindowWidth": "40"},
        replaced(b"\x28\0\x50\x10DS\2\x0040", b"\x28\0\x50\x10DS\2\0ab"),
    ),
    "frames in letters": ({"NumberOfFrames": "1"}, number_of_frames(b"1A")),
    "two numbers of frames": ({"NumberOfFrames": "1"}, number_of_frames(b"1\\")),
    "less than no frames": ({"NumberOfFrames": "1"}, number_of_frames(b"-1")),
    "no size of a pixel": ({"PixelSpacing": ["0", "0"]}, None),
    "four samples": ({"SamplesPerPixel": 4}, None),
    "groups without groups": (
        {"SharedFunctionalGroupsSequence": [], "PerFrameFunctionalGroupsSequence": [item()]},
        None,
    ),
    "a rescale without numbers": ({"RescaleSlope": "", "RescaleIntercept": ""}, None),
    "a rescale to nothing": ({"RescaleSlope": "0", "RescaleIntercept": "1"}, None),
    "padding without an end": ({"PixelPaddingRangeLimit": 7}, None),
    "a palette of two numbers": (
        {
            "PhotometricInterpretation": "PALETTE COLOR",
            "RedPaletteColorLookupTableDescriptor": [1, 2],
        },
        None,
    ),
}


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """Run a server on odd images; return the URL of each by its name, served or not."""
    folder = tmp_path_factory.mktemp("odd")
    below = {}
    for number, (name, (attributes, change)) in enumerate(ODD.items(), 1):
        path = folder / f"{number}.dcm"
        made = write_image(path, RAMP, **attributes)
        below[name] = (
            f"/studies/{made.StudyInstanceUID}/series/{made.SeriesInstanceUID}"
            f"/instances/{made.SOPInstanceUID}"
        )
        if change:
            write(path, change(path.read_bytes()))
    running = pacs_server.start(folder, port=0, apikey=None)
    yield {name: f"{running.url}/dicomweb{end}" for name, end in below.items()}, running
    running.stop()


@pytest.mark.parametrize("name", ODD)
def test_no_odd_attribute_is_a_mistake_of_the_server(odd, name, capfd):
    urls, running = odd
    dicom = 'multipart/related; type="application/dicom"'
    raw = 'multipart/related; type="application/octet-stream"'
    wishes = [("/metadata", "application/dicom+json")]
    wishes += [("/metadata", 'multipart/related; type="application/dicom+xml"')]
    wishes += [("/rendered", "image/png"), ("/thumbnail", "image/jpeg"), ("/frames/1", raw)]
    wishes += [("/frames/1", 'multipart/related; type="image/jls"'), ("", dicom)]
    wishes += [("", f"{dicom}; transfer-syntax={wanted}") for wanted in ("*", RAW, JPEGLSLossless)]
    answers = {}
    for end, accept in wishes:
        answers[end, accept] = requests.get(urls[name] + end, headers={"Accept": accept}, timeout=9)
    codes = {answer.status_code for answer in answers.values()}
    assert codes <= {200, 404, 406}
    if codes == {404}:  # it is left out, and a line says why, in the words of the standard
        uid = urls[name].rpartition("/")[2]
        number = list(ODD).index(name) + 1
        [line] = [line for line in running.skipped if f"{number}.dcm" in line]
        assert uid and not re.search("invalid literal|not supported between|object has no", line)
    else:
        assert answers["/metadata", "application/dicom+json"].status_code == 200
        assert answers["", f"{dicom}; transfer-syntax=*"].status_code == 200
    for answer in answers.values():
        if answer.status_code == 406:
            assert answer.json()["detail"] and answer.json()["hint"]
    assert capfd.readouterr().err == ""
