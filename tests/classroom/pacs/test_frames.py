import struct
from io import BytesIO

import numpy
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames
from pydicom.pixels import pixel_array
from pydicom.uid import (
    JPEG2000,
    MPEG4HP41,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from classroom.pacs import frames
from classroom.pacs.image_file import open_image
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


def choose(stored, media_type, transfer_syntax=None, bits_stored=12, samples_per_pixel=1):
    return frames.choose(
        stored,
        media_type,
        transfer_syntax,
        bits_stored=bits_stored,
        samples_per_pixel=samples_per_pixel,
    )


def wrapped(frame, transfer_syntax, source=JOE):
    """Put one encoded frame into a copy of a file, for pydicom or dcmtk to decode."""
    dataset = pydicom.dcmread(source)
    dataset.file_meta.TransferSyntaxUID = transfer_syntax
    if transfer_syntax.is_encapsulated:
        dataset.PixelData = encapsulate([frame])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
    else:
        dataset.PixelData = frame
    return dataset


def test_two_pixels_of_a_frame_may_share_their_colour(tmp_path):
    """YBR_FULL_422 takes two bytes a pixel, not three (PS3.3 C.7.6.3.1.2)."""
    dataset = pydicom.dcmread(get_testdata_file("SC_ybr_full_422_uncompressed.dcm"))
    one = dataset.PixelData
    assert len(one) == dataset.Rows * dataset.Columns * 2
    dataset.NumberOfFrames, dataset.PixelData = 2, one + one[::-1]
    dataset.save_as(tmp_path / "two.dcm")
    image = open_image(tmp_path / "two.dcm")
    assert [image.frame(1), image.frame(2)] == [one, one[::-1]]


# Which transfer syntax ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "media_type", "transfer_syntax", "expected"),
    [
        (RAW, "application/octet-stream", None, RAW),
        (RAW, "*/*", None, RAW),
        (RAW, "image/jpeg", None, JPEGLosslessSV1),
        (RAW, "image/dicom+jpeg", None, JPEGLosslessSV1),
        (RAW, "IMAGE/JPEG", None, JPEGLosslessSV1),
        (RAW, "image/jls", None, JPEGLSLossless),
        (RAW, "image/dicom+jpeg-ls", None, JPEGLSLossless),
        (RAW, "image/jp2", None, JPEG2000Lossless),
        (RAW, "image/dicom-rle", None, RLELossless),
        (RAW, "application/octet-stream", "*", RAW),
        (RAW, "image/jpeg", "*", JPEGLosslessSV1),
        (RAW, "image/jp2", JPEG2000Lossless, JPEG2000Lossless),
        (ExplicitVRBigEndian, "*/*", "*", RAW),
        (ExplicitVRBigEndian, "application/octet-stream", None, RAW),
        (RLELossless, "image/jpeg", None, JPEGLosslessSV1),
        (RLELossless, "application/octet-stream", None, RAW),
        (RLELossless, "application/octet-stream", "*", RLELossless),
        (RLELossless, "*/*", "*", RLELossless),
        (RLELossless, "*/*", None, RAW),
        (JPEGBaseline8Bit, "image/jpeg", None, JPEGBaseline8Bit),
        (JPEGBaseline8Bit, "image/dicom+jpeg", None, JPEGBaseline8Bit),
        (JPEGBaseline8Bit, "image/jpeg", JPEGBaseline8Bit, JPEGBaseline8Bit),
        (JPEGBaseline8Bit, "application/octet-stream", "*", JPEGBaseline8Bit),
        (JPEGBaseline8Bit, "application/octet-stream", None, RAW),
        (JPEGBaseline8Bit, "*/*", None, JPEGBaseline8Bit),
        (JPEGLossless, "image/jpeg", None, JPEGLossless),
        (JPEGLossless, "image/jpeg", JPEGLosslessSV1, JPEGLosslessSV1),
        (JPEG2000, "image/jp2", None, JPEG2000),
    ],
)
def test_choice(stored, media_type, transfer_syntax, expected):
    assert choose(stored, media_type, transfer_syntax) == expected


def test_baseline_jpeg_of_8_bit_data_can_be_made():
    assert choose(RAW, "image/jpeg", JPEGBaseline8Bit, bits_stored=8) == JPEGBaseline8Bit


def test_baseline_jpeg_of_12_bit_data_points_to_rendered():
    with pytest.raises(frames.NotAvailable) as caught:
        choose(RAW, "image/jpeg", JPEGBaseline8Bit)
    assert "12" in caught.value.detail
    assert "/rendered" in caught.value.hint


@pytest.mark.parametrize(
    ("media_type", "transfer_syntax"),
    [
        ("image/jpeg", JPEGLosslessSV1),
        ("image/jls", None),
        ("image/jls", "*"),
        ("image/jp2", None),
        ("image/dicom-rle", None),
    ],
)
@pytest.mark.parametrize("stored", [JPEGBaseline8Bit])
def test_what_was_lossy_is_not_compressed_again(stored, media_type, transfer_syntax):
    with pytest.raises(frames.NotAvailable, match="lost something") as caught:
        choose(stored, media_type, transfer_syntax, bits_stored=8, samples_per_pixel=3)
    assert "image/jpeg; transfer-syntax=*" in caught.value.hint


@pytest.mark.parametrize(
    ("stored", "media_type", "transfer_syntax", "says"),
    [
        (RAW, "image/png", None, "image/png"),
        (RAW, "image/jpeg", JPEG2000Lossless, "does not belong"),
        (RAW, "application/octet-stream", JPEGLosslessSV1, "does not belong"),
        (RAW, "application/octet-stream", "1.2.840.10008.1.2", "not used in DICOMweb"),
        (RAW, "image/jpeg", "1.2.3", "does not belong"),
        (RAW, "image/jls", JPEGLSNearLossless, "cannot write"),
        (RAW, "image/jphc", None, "cannot write"),
        (MPEG4HP41, "application/octet-stream", "*", "video"),
        ("1.2.840.10008.1.2.4.110", "application/octet-stream", None, "cannot decode"),
    ],
)
def test_what_cannot_be_had_is_refused(stored, media_type, transfer_syntax, says):
    with pytest.raises(frames.NotAvailable, match=says) as caught:
        choose(stored, media_type, transfer_syntax)
    assert caught.value.hint


@pytest.mark.parametrize("bits_stored", [1, 32, None])
def test_samples_too_shallow_or_deep_to_compress_are_sent_raw(bits_stored):
    assert choose(RAW, "*/*", None, bits_stored=bits_stored) == RAW
    with pytest.raises(frames.NotAvailable):
        choose(RAW, "image/jpeg", None, bits_stored=bits_stored)


@pytest.mark.parametrize(
    ("stored", "bits_stored"),
    [(RAW, 12), (RAW, 8), (RLELossless, 12), (JPEGBaseline8Bit, 8), (JPEG2000, 16), (RAW, 32)],
)
def test_everything_listed_as_available_is_available(stored, bits_stored):
    listed = frames.available(stored, bits_stored=bits_stored, samples_per_pixel=1)
    assert listed
    for line in listed:
        media_type, _, transfer_syntax = line.partition("; transfer-syntax=")
        assert choose(stored, media_type, transfer_syntax, bits_stored) == transfer_syntax
        assert frames.media_type_of(transfer_syntax) == media_type


# The frame itself -----------------------------------------------------------------------------


@pytest.mark.parametrize("way", COMMANDS)
@needs_dcmtk
def test_raw_samples_are_the_same_however_they_are_stored(way, tmp_path):
    expected = pydicom.dcmread(JOE).pixel_array.astype("<u2").tobytes()
    assert frames.read_frame(variant(JOE, way, tmp_path), 1, RAW) == expected


@pytest.mark.parametrize("transfer_syntax", LOSSLESS)
@needs_dcmtk
def test_encoded_frames_decode_to_the_stored_values(transfer_syntax, tmp_path):
    frame = frames.read_frame(JOE, 1, transfer_syntax)
    made = tmp_path / "made.dcm"
    wrapped(frame, transfer_syntax).save_as(made)
    expected = pydicom.dcmread(JOE).pixel_array
    assert (decoded(made, tmp_path) == expected).all()


def test_jpeg_lossless_is_first_order_prediction():
    """Transfer syntax .70 is selection value 1 and nothing else (PS3.5 10.5, ITU T.81 H.1)."""
    frame = frames.read_frame(JOE, 1, JPEGLosslessSV1)
    size, at = 0, 2
    segments = {}
    while frame[at + 1] != 0xDA:
        size = struct.unpack(">H", frame[at + 2 : at + 4])[0]
        segments[frame[at + 1]] = frame[at + 4 : at + 2 + size]
        at += 2 + size
    assert segments[0xC3][0] == 12
    assert struct.unpack(">HH", segments[0xC3][1:5]) == (600, 512)
    selection = frame[at + 5 + 2 * frame[at + 4]]
    assert selection == 1


def test_stored_frames_are_passed_through():
    dataset = pydicom.dcmread(ANDY)
    stored = list(generate_frames(dataset.PixelData, number_of_frames=24))
    for number in (1, 7, 24):
        assert frames.read_frame(ANDY, number, JPEGBaseline8Bit) == stored[number - 1]


def extended(dataset, stored):
    (
        dataset.PixelData,
        dataset.ExtendedOffsetTable,
        dataset.ExtendedOffsetTableLengths,
    ) = encapsulate_extended(stored)


def basic(dataset, stored):
    dataset.PixelData = encapsulate(stored, has_bot=True)


def neither(dataset, stored):
    dataset.PixelData = encapsulate(stored, has_bot=False)


def fragmented(dataset, stored):
    dataset.PixelData = encapsulate(stored, fragments_per_frame=3, has_bot=False)


@pytest.mark.parametrize("layout", [extended, basic, neither, fragmented])
def test_frames_are_found_with_any_offset_table(layout, tmp_path):
    dataset = pydicom.dcmread(ANDY)
    stored = list(generate_frames(dataset.PixelData, number_of_frames=24))
    layout(dataset, stored)
    dataset["PixelData"].is_undefined_length = True
    made = tmp_path / "made.dcm"
    dataset.save_as(made)
    frame = frames.read_frame(made, 9, JPEGBaseline8Bit)
    assert frame.rstrip(b"\0") == stored[8].rstrip(b"\0")


@pytest.mark.parametrize(("number", "says"), [(0, "no frame 0"), (25, "no frame 25")])
def test_frame_numbers_go_from_1_to_the_last(number, says):
    with pytest.raises(frames.NoSuchFrame, match=says) as caught:
        frames.read_frame(ANDY, number, JPEGBaseline8Bit)
    assert "24" in caught.value.hint


def test_a_report_has_no_frames():
    with pytest.raises(frames.NotAvailable, match="modality SR") as caught:
        frames.read_frame(REPORT, 1, RAW)
    assert caught.value.hint


@pytest.mark.parametrize("source", [JOE, RAVI, ANDY])
def test_a_file_cut_short_is_an_error_not_a_short_frame(source, tmp_path):
    whole = source.read_bytes()
    made = tmp_path / "cut.dcm"
    made.write_bytes(whole[: len(whole) - len(whole) // 4])
    image = open_image(made)
    with pytest.raises(frames.NotAvailable):
        frames.read_frame(made, image.frame_count, RAW)


def test_a_changed_file_is_read_again(tmp_path):
    made = tmp_path / "made.dcm"
    made.write_bytes(JOE.read_bytes())
    before = frames.read_frame(made, 1, RAW)
    dataset = pydicom.dcmread(made)
    dataset.PixelData = bytes(len(before))
    dataset.PatientComments = "changed"
    dataset.save_as(made)
    assert frames.read_frame(made, 1, RAW) == bytes(len(before))


# Layouts that no file of the archive has -------------------------------------------------------


def image_file(folder, samples, transfer_syntax=RAW, **attributes):
    """Write an image of several frames, each frame's bytes given."""
    dataset = pydicom.dcmread(JOE)
    for name, value in attributes.items():
        setattr(dataset, name, value)
    dataset.NumberOfFrames = len(samples)
    dataset.PixelData = b"".join(samples)
    dataset["PixelData"].VR = "OW" if dataset.BitsAllocated == 16 else "OB"
    made = folder / "made.dcm"
    dataset.save_as(made)
    return made


def colour(folder, planar, photometric="RGB"):
    pixels = numpy.random.default_rng(3).integers(0, 256, (4, 6, 3), "u1")
    laid_out = pixels.transpose(2, 0, 1) if planar else pixels
    made = image_file(
        folder,
        [laid_out.tobytes()],
        Rows=4,
        Columns=6,
        SamplesPerPixel=3,
        PlanarConfiguration=planar,
        PhotometricInterpretation=photometric,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
    )
    return made, pixels, laid_out.tobytes()


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
@needs_dcmtk
def test_colour_samples_come_as_the_metadata_says(planar, photometric, tmp_path):
    made, _, stored = colour(tmp_path, planar, photometric)
    assert frames.read_frame(made, 1, RAW) == stored
    dcmtk("dcmcrle", made, tmp_path / "rle.dcm")
    rle = pydicom.dcmread(tmp_path / "rle.dcm")
    rle.PlanarConfiguration = planar
    rle.save_as(tmp_path / "rle.dcm")
    assert frames.read_frame(tmp_path / "rle.dcm", 1, RAW) == stored


@pytest.mark.parametrize("transfer_syntax", LOSSLESS)
@needs_dcmtk
def test_colours_survive_lossless_compression(transfer_syntax, tmp_path):
    made, pixels, _ = colour(tmp_path, planar=0)
    frame = frames.read_frame(made, 1, transfer_syntax)
    dataset = wrapped(frame, transfer_syntax, made)
    dataset.save_as(tmp_path / "encoded.dcm")
    result = decoded(tmp_path / "encoded.dcm", tmp_path)
    assert (result == pixels).all()


def test_ultrasound_as_raw_samples_fits_its_metadata():
    """YBR_FULL_422 says two pixels share a colour; pydicom must read it so."""
    raw = frames.read_frame(ANDY, 3, RAW)
    dataset = wrapped(raw, RAW, ANDY)
    dataset.NumberOfFrames = 1
    assert len(raw) == 240 * 320 * 2
    expected = pixel_array(ANDY, index=2)
    assert abs(pixel_array(dataset).astype(int) - expected).mean() < 0.5


@pytest.mark.parametrize("transfer_syntax", LOSSLESS)
@needs_dcmtk
def test_signed_values_survive_lossless_compression(transfer_syntax, tmp_path):
    values = numpy.arange(-2048, 2048, 16, "i2").reshape(16, 16)
    made = image_file(tmp_path, [values.tobytes()], Rows=16, Columns=16, PixelRepresentation=1)
    frame = frames.read_frame(made, 1, transfer_syntax)
    dataset = wrapped(frame, transfer_syntax, made)
    dataset.save_as(tmp_path / "encoded.dcm")
    assert frames.read_frame(tmp_path / "encoded.dcm", 1, RAW) == values.tobytes()
    assert (decoded(tmp_path / "encoded.dcm", tmp_path) == values).all()


def test_frames_of_single_bits_begin_inside_a_byte(tmp_path):
    bits = numpy.random.default_rng(1).integers(0, 2, (3, 5, 5), "u1")
    packed = numpy.packbits(bits.ravel(), bitorder="little").tobytes()
    made = image_file(
        tmp_path, [packed], Rows=5, Columns=5, BitsAllocated=1, BitsStored=1, HighBit=0
    )
    dataset = pydicom.dcmread(made)
    dataset.NumberOfFrames = 3
    dataset.save_as(made)
    for number in (1, 2, 3):
        frame = numpy.frombuffer(frames.read_frame(made, number, RAW), "u1")
        unpacked = numpy.unpackbits(frame, bitorder="little")[:25]
        assert (unpacked == bits[number - 1].ravel()).all()


@needs_dcmtk
def test_8_bit_samples_in_big_endian_words(tmp_path):
    """An odd number of bytes a frame: the second frame begins inside a word."""
    stored = [bytes(range(15)), bytes(range(100, 115))]
    made = image_file(tmp_path, stored, Rows=3, Columns=5, BitsAllocated=8, BitsStored=8, HighBit=7)
    dataset = pydicom.dcmread(made)
    dataset["PixelData"].VR = "OW"
    dataset.save_as(made)
    dcmtk("dcmconv", "+tb", made, tmp_path / "big.dcm")
    assert [frames.read_frame(tmp_path / "big.dcm", n, RAW) for n in (1, 2)] == stored


def test_baseline_jpeg_of_8_bit_colour_looks_like_the_original(tmp_path):
    flat = numpy.full((16, 16, 3), (200, 80, 40), "u1")
    made = image_file(
        tmp_path,
        [flat.tobytes()],
        Rows=16,
        Columns=16,
        SamplesPerPixel=3,
        PlanarConfiguration=0,
        PhotometricInterpretation="RGB",
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
    )
    frame = frames.read_frame(made, 1, JPEGBaseline8Bit)
    assert abs(opened(frame).astype(int) - flat).max() <= 4


def opened(data):
    return numpy.asarray(Image.open(BytesIO(data)))
