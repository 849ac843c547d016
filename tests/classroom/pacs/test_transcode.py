from pathlib import Path

import numpy
import pydicom
import pytest
from pydicom.encaps import generate_fragments, get_frame, parse_basic_offsets
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from classroom.pacs.frames import LOSSY
from classroom.pacs.image_file import NotAvailable
from classroom.pacs.instance import read_instance
from classroom.pacs.part10 import NotServed
from classroom.pacs.transcode import transcode
from tests.classroom.pacs.variants import (
    ANDY,
    COMMANDS,
    JOE,
    RAVI,
    REPORT,
    dcmtk,
    decoded,
    needs_dcmtk,
    variant,
)

RAW = ExplicitVRLittleEndian
LOSSLESS = [JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, RLELossless]


def saved(source, transfer_syntax, folder):
    """Transcode into a file, checking the size that is given."""
    file, size = transcode(source, transfer_syntax)
    with file:
        content = file.read()
    assert len(content) == size
    made = folder / "transcoded.dcm"
    made.write_bytes(content)
    return made


def attributes(path):
    """Every attribute of a file that does not depend on its encoding."""
    dataset = pydicom.dcmread(path)
    dataset.pop("PixelData")
    return dataset.to_json_dict()


@pytest.mark.parametrize("transfer_syntax", LOSSLESS)
@pytest.mark.parametrize("source", [JOE, RAVI])
@needs_dcmtk
def test_pixels_and_attributes_stay(source, transfer_syntax, tmp_path):
    if transfer_syntax == pydicom.dcmread(source).file_meta.TransferSyntaxUID:
        source = saved(source, RAW, tmp_path).rename(tmp_path / "source.dcm")
    made = saved(source, transfer_syntax, tmp_path)
    assert pydicom.dcmread(made).file_meta.TransferSyntaxUID == transfer_syntax
    assert attributes(made) == attributes(source)
    assert (decoded(made, tmp_path) == pydicom.dcmread(source).pixel_array).all()


@pytest.mark.parametrize("way", COMMANDS)
@needs_dcmtk
def test_everything_stored_can_be_had_as_explicit_little_endian(way, tmp_path):
    source = variant(JOE, way, tmp_path)
    made = saved(source, RAW, tmp_path)
    assert pydicom.dcmread(made).file_meta.TransferSyntaxUID == RAW
    assert (pydicom.dcmread(made).pixel_array == pydicom.dcmread(JOE).pixel_array).all()
    assert attributes(made) == attributes(source)
    dcmtk("dcmdump", "-q", made)


@needs_dcmtk
def test_words_outside_pixel_data_leave_big_endian_too(tmp_path):
    dataset = pydicom.dcmread(JOE)
    keywords = [f"Selector{vr}Value" for vr in ("OB", "OW", "OF", "OL", "OD", "OV")]
    for keyword in keywords:
        setattr(dataset, keyword, bytes(range(32)))
    dataset.save_as(tmp_path / "words.dcm")
    dcmtk("dcmconv", "+tb", tmp_path / "words.dcm", tmp_path / "big.dcm")
    made = pydicom.dcmread(saved(tmp_path / "big.dcm", RAW, tmp_path))
    assert [made[keyword].value for keyword in keywords] == [bytes(range(32))] * len(keywords)


def test_ultrasound_becomes_rgb_and_says_so(tmp_path):
    made = pydicom.dcmread(saved(ANDY, RAW, tmp_path))
    assert made.PhotometricInterpretation == "RGB"
    assert made.PlanarConfiguration == 0
    assert made.LossyImageCompression == "01"
    assert made.pixel_array.shape == (24, 240, 320, 3)
    expected = pydicom.pixels.pixel_array(ANDY)
    assert abs(made.pixel_array.astype(int) - expected).max() <= 2


def test_the_offset_table_points_to_every_frame(tmp_path):
    raw = saved(ANDY, RAW, tmp_path).rename(tmp_path / "raw.dcm")
    pixel_data = pydicom.dcmread(saved(raw, JPEGLSLossless, tmp_path)).PixelData
    offsets = parse_basic_offsets(pixel_data)
    # Frames by the table are frames by their order.
    assert len(set(offsets)) == 24
    in_order = list(generate_fragments(pixel_data[8 + 4 * 24 :]))
    for number, fragment in enumerate(in_order):
        assert get_frame(pixel_data, number) == fragment


@pytest.mark.parametrize("transfer_syntax", LOSSLESS)
@needs_dcmtk
def test_colour_of_several_frames(transfer_syntax, tmp_path):
    raw = saved(ANDY, RAW, tmp_path).rename(tmp_path / "raw.dcm")
    made = saved(raw, transfer_syntax, tmp_path)
    assert (decoded(made, tmp_path) == pydicom.dcmread(raw).pixel_array).all()
    assert pydicom.dcmread(made).PhotometricInterpretation == "RGB"


def test_jpeg_2000_leaves_colours_as_the_file_says(tmp_path):
    """With a multiple component transform the data would be YBR_RCT, not RGB (PS3.5 8.2.4)."""
    raw = saved(ANDY, RAW, tmp_path).rename(tmp_path / "raw.dcm")
    made = pydicom.dcmread(saved(raw, JPEG2000Lossless, tmp_path))
    codestream = get_frame(made.PixelData, 0)
    coding_style = codestream.index(b"\xff\x52")
    transform = codestream[coding_style + 8]
    assert (made.PhotometricInterpretation, transform) == ("RGB", 0)


def test_an_odd_number_of_bytes_is_padded(tmp_path):
    dataset = pydicom.dcmread(JOE)
    dataset.Rows = dataset.Columns = 3
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelData = bytes(range(9)) + b"\0"
    dataset["PixelData"].VR = "OB"
    source = tmp_path / "odd.dcm"
    dataset.save_as(source)
    compressed = saved(source, JPEGLSLossless, tmp_path).rename(tmp_path / "compressed.dcm")
    made = saved(compressed, RAW, tmp_path)
    pixel_data = pydicom.dcmread(made)["PixelData"]
    assert (pixel_data.VR, pixel_data.value) == ("OB", bytes(range(9)) + b"\0")


def test_its_own_transfer_syntax_is_the_file_as_it_is(tmp_path):
    assert saved(JOE, RAW, tmp_path).read_bytes() == JOE.read_bytes()


@needs_dcmtk
def test_a_report_changes_its_transfer_syntax_too(tmp_path):
    dcmtk("dcmconv", "+ti", REPORT, tmp_path / "implicit.dcm")
    made = pydicom.dcmread(saved(tmp_path / "implicit.dcm", RAW, tmp_path))
    assert made.file_meta.TransferSyntaxUID == RAW
    assert made == pydicom.dcmread(REPORT)


@pytest.mark.parametrize(
    ("source", "transfer_syntax"),
    [
        (ANDY, JPEGLosslessSV1),
        (JOE, JPEGBaseline8Bit),
        (JOE, DeflatedExplicitVRLittleEndian),
        (JOE, "1.2.3"),
        (REPORT, JPEGLosslessSV1),
    ],
)
def test_what_cannot_be_had_is_refused(source, transfer_syntax):
    with pytest.raises(NotAvailable) as caught:
        transcode(source, transfer_syntax)
    assert str(RAW) in caught.value.hint


@needs_dcmtk
def test_floating_point_pixels_are_not_lost(tmp_path):
    dataset = pydicom.dcmread(JOE)
    del dataset.PixelData
    dataset.FloatPixelData = numpy.linspace(0, 1, 600 * 512, dtype="f4").tobytes()
    source = tmp_path / "float.dcm"
    dataset.save_as(source)
    dcmtk("dcmconv", "+ti", source, tmp_path / "implicit.dcm")
    dcmtk("dcmconv", "+tb", source, tmp_path / "big.dcm")
    for stored in ("implicit.dcm", "big.dcm"):
        made = pydicom.dcmread(saved(tmp_path / stored, RAW, tmp_path))
        assert made == pydicom.dcmread(source)


# What pydicom warns of is odd in its own files, not in what is made of them.
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_files_of_many_makers_keep_their_pixels(tmp_path):
    """pydicom brings them with it, and decodes most of them: an authority of its own."""
    compared = 0
    for path in sorted(Path(pydicom.data.DATA_ROOT, "test_files").glob("*.dcm")):
        try:
            syntax = read_instance(path).transfer_syntax
            expected = pydicom.dcmread(path).pixel_array
            made = saved(path, RAW, tmp_path)
        except (NotServed, NotAvailable, AttributeError, OSError, RuntimeError, ValueError):
            continue
        if syntax in LOSSY:
            continue
        assert numpy.array_equal(pydicom.dcmread(made).pixel_array, expected), path
        compared += syntax != RAW
    assert compared >= 20
