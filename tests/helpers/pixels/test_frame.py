"""Decoding frames, checked against pydicom's and dcmtk's reading of the same files."""

import struct
import sys
from io import BytesIO

import imagecodecs
import numpy
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import get_frame
from pydicom.pixels import apply_color_lut, pixel_array
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from helpers.errors import FrameError, HTTPProblem, MediaTypeMismatch
from helpers.multipart.reader import parts
from helpers.pixels.frame import frame
from helpers.pixels.signatures import declared, encoding, jpeg_markers
from tests.answers import answer, multipart_body
from tests.classroom.pacs.variants import ANDY, JOE, RAVI, REPORT, dcmtk, needs_dcmtk, variant


def stored(path, number=1):
    """Return one frame as it lies in a file, and the file's attributes without the pixels."""
    dataset = pydicom.dcmread(path)
    pixel_data = dataset.pop("PixelData").value
    if not dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        return pixel_data, dataset
    count = dataset.get("NumberOfFrames", 1)
    return get_frame(pixel_data, number - 1, number_of_frames=count), dataset


def expected():
    return pydicom.dcmread(JOE).pixel_array


def jpeg_2000():
    return imagecodecs.jpeg2k_encode(expected(), level=0, reversible=True, codecformat="j2k")


def png():
    file = BytesIO()
    Image.fromarray(expected()).save(file, "PNG")
    return file.getvalue()


# What the bytes are ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "name"),
    [
        ("implicit", "raw samples"),
        ("rle", "RLE Lossless"),
        ("jpeg lossless", "JPEG Lossless (SOF3), 16 bit"),
        ("jpeg-ls", "JPEG-LS (SOF55), 16 bit"),
    ],
)
@needs_dcmtk
def test_encodings_are_told_from_the_bytes(way, name, tmp_path):
    assert encoding(stored(variant(JOE, way, tmp_path))[0]) == name


def test_more_encodings():
    twelve_bits = imagecodecs.jpeg8_encode(expected(), lossless=True, bitspersample=12)
    assert encoding(twelve_bits) == "JPEG Lossless (SOF3), 12 bit"
    assert encoding(stored(ANDY)[0]) == "JPEG baseline (SOF0), 8 bit"
    assert encoding(jpeg_2000()) == "JPEG 2000 (codestream)"
    assert encoding(png()) == "PNG"
    assert encoding(JOE.read_bytes()) == "DICOM file"
    assert encoding(b"") == "nothing"
    jp2 = imagecodecs.jpeg2k_encode(expected(), codecformat="jp2")
    assert encoding(jp2) == "JPEG 2000 (JP2 file)"


def test_samples_that_begin_like_text_are_still_samples():
    assert encoding(b"{" + bytes(999)) == "raw samples"
    assert encoding(b'{"detail": "no"}') == "JSON"


def test_every_image_of_the_archive_is_told_right():
    names = {path: encoding(stored(path)[0]) for path in (JOE, RAVI, ANDY)}
    assert list(names.values()) == ["raw samples", "RLE Lossless", "JPEG baseline (SOF0), 8 bit"]


def test_markers_are_those_that_pillow_finds():
    data = stored(ANDY)[0]
    ours = [marker for marker in jpeg_markers(data) if 0xE0 <= marker.code <= 0xEF]
    theirs = Image.open(BytesIO(data)).applist
    assert [marker.data for marker in ours] == [content for _, content in theirs]
    assert jpeg_markers(data)[-1].name == "SOS, start of scan"
    assert jpeg_markers(bytes.fromhex("ffd8 ff010002"))[-1].name == "marker 01"


@given(st.binary(max_size=200))
def test_any_bytes_have_markers_and_an_encoding(data):
    jpeg_markers(b"\xff\xd8" + data)
    assert encoding(b"\xff\xd8\xff" + data).startswith("JPEG")
    assert encoding(data)


# Pixels ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["rle", "jpeg lossless", "jpeg-ls", "implicit"])
@needs_dcmtk
def test_lossless_frames_give_the_stored_values(way, tmp_path):
    data, dataset = stored(variant(JOE, way, tmp_path))
    pixels = frame(data, dataset)
    assert pixels.dtype == "uint16"
    assert (pixels == expected()).all()


@pytest.mark.parametrize("encode", [jpeg_2000, png])
def test_encoded_frames_need_no_data_set(encode):
    pixels = frame(encode())
    assert pixels.dtype == "uint16"
    assert (pixels == expected()).all()


@needs_dcmtk
def test_12_bit_lossy_jpeg(tmp_path):
    dcmtk("dcmcjpeg", "+ee", JOE, tmp_path / "extended.dcm")
    dcmtk("dcmdjpeg", tmp_path / "extended.dcm", tmp_path / "decoded.dcm")
    data, _ = stored(tmp_path / "extended.dcm")
    assert encoding(data) == "JPEG extended (SOF1), 12 bit"
    theirs = pydicom.dcmread(tmp_path / "decoded.dcm").pixel_array
    assert abs(frame(data).astype(int) - theirs).max() <= 1


def test_colour_jpeg_is_rgb():
    data, dataset = stored(ANDY, 7)
    theirs = pixel_array(ANDY, index=6)
    for pixels in (frame(data), frame(data, dataset)):
        assert pixels.shape == (240, 320, 3)
        assert abs(pixels.astype(int) - theirs).max() <= 2


def test_colours_of_a_jpeg_that_does_not_name_them_are_those_of_the_data_set():
    pink = numpy.full((8, 8, 3), (250, 10, 160), "u1")
    data = imagecodecs.jpeg8_encode(pink, level=95, colorspace="RGB", outcolorspace="RGB")
    # Without its first segment, and with components 1, 2, 3 in the place of R, G and B.
    bare = data[:2] + data[4 + int.from_bytes(data[4:6], "big") :]
    bare = bare.replace(b"R\x11\0G\x11\0B", b"\1\x11\0\2\x11\0\3").replace(
        b"R\0G\0B", b"\1\0\2\0\3"
    )
    dataset = pydicom.Dataset()
    for photometric, is_pink in [("RGB", True), ("YBR_FULL_422", False)]:
        dataset.PhotometricInterpretation = photometric
        assert (abs(frame(bare, dataset).astype(int) - pink).max() <= 3) == is_pink
        assert abs(frame(data, dataset).astype(int) - pink).max() <= 3


@needs_dcmtk
@pytest.mark.parametrize("planes", ["+px", "+pl"])
@pytest.mark.parametrize("colours", ["+cn", "+ca"])
def test_raw_colours_are_rgb(planes, colours, tmp_path):
    dcmtk("dcmdjpeg", colours, planes, ANDY, tmp_path / "raw.dcm")
    data, dataset = stored(tmp_path / "raw.dcm")
    first = data[: 240 * 320 * 3]
    assert abs(frame(first, dataset).astype(int) - frame(stored(ANDY)[0])).max() <= 3


def test_two_pixels_that_share_a_colour():
    dataset = stored(ANDY)[1]
    dataset.Rows, dataset.Columns = 1, 4
    pixels = frame(bytes([10, 20, 128, 128, 30, 40, 128, 128]), dataset)
    assert pixels[0, :, 0].tolist() == [10, 20, 30, 40]
    assert (pixels[..., 0] == pixels[..., 2]).all()


def test_rgb_under_the_metadata_of_its_jpeg():
    """Orthanc decodes the ultrasound to RGB and leaves YBR_FULL_422 in the metadata."""
    data, dataset = stored(ANDY)
    rgb = frame(data)
    assert (frame(rgb.tobytes(), dataset) == rgb).all()


@needs_dcmtk
@pytest.mark.parametrize("program", [["dcmcjpeg", "+e1"], ["dcmcjpls"], ["dcmcrle"]])
def test_negative_values(program, tmp_path):
    dataset = pydicom.dcmread(JOE)
    signed = expected().astype("i2") - 1024
    dataset.PixelRepresentation, dataset.PixelData = 1, signed.tobytes()
    dataset.save_as(tmp_path / "signed.dcm")
    dcmtk(*program, tmp_path / "signed.dcm", tmp_path / "encoded.dcm")
    pixels = frame(*stored(tmp_path / "encoded.dcm"))
    assert pixels.dtype == "int16"
    assert (pixels == signed).all()


def test_shades_of_a_rendered_picture_stay_shades():
    dataset = stored(JOE)[1]
    dataset.PixelRepresentation = 1
    shades = (expected() >> 4).astype("uint8")
    pixels = frame(imagecodecs.png_encode(shades), dataset)
    assert pixels.dtype == "uint8"
    assert (pixels == shades).all()


def test_single_bits():
    dataset = pydicom.Dataset()
    dataset.Rows, dataset.Columns, dataset.BitsAllocated = 3, 5, 1
    bits = numpy.random.default_rng(4).integers(0, 2, (3, 5), "u1")
    data = numpy.packbits(bits.ravel(), bitorder="little").tobytes()
    assert (frame(data, dataset) == bits).all()


def test_an_odd_frame_may_be_padded():
    dataset = pydicom.Dataset()
    dataset.Rows, dataset.Columns, dataset.BitsAllocated = 3, 3, 8
    assert frame(bytes(range(9)) + b"\0", dataset).tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


# Where the bytes come from -----------------------------------------------------------------------


def test_a_part_with_a_wrong_label():
    body, content_type = multipart_body([stored(ANDY)[0]], "image/png")
    [part] = parts(answer(body, content_type))
    assert frame(part).shape == (240, 320, 3)


def test_an_answer_with_one_image():
    assert (frame(answer(png(), "image/jpeg")) == expected()).all()


def test_an_answer_with_parts_says_to_take_them():
    body, content_type = multipart_body([png()], "image/png")
    with pytest.raises(FrameError, match="parts") as caught:
        frame(answer(body, content_type))
    assert "parts(response)" in caught.value.hint


def test_an_answer_with_a_bad_status():
    with pytest.raises(HTTPProblem, match="404"):
        frame(answer(b"{}", "application/json", status=404, reason="Not Found"))


def test_something_without_bytes():
    with pytest.raises(FrameError, match="list"):
        frame([1, 2, 3])


@pytest.mark.parametrize(
    ("data", "came"),
    [
        (b"<!DOCTYPE html><p>Sign in", "HTML: <!DOCTYPE html><p>Sign in"),
        (b'{"detail": "no such frame"}', 'JSON: {"detail": "no such frame"}'),
        (b"<?xml version='1.0'?><NativeDicomModel/>", "XML: <?xml"),
        (REPORT.read_bytes(), "DICOM file"),
    ],
)
def test_what_is_no_frame(data, came):
    with pytest.raises(MediaTypeMismatch) as caught:
        frame(data)
    assert caught.value.came.startswith(came)
    assert caught.value.hint


# What is wrong with a frame ----------------------------------------------------------------------


def test_raw_samples_without_a_data_set():
    data, dataset = stored(JOE)
    with pytest.raises(FrameError, match="Rows, Columns, BitsAllocated") as caught:
        frame(data)
    assert "/metadata" in caught.value.hint
    del dataset.Columns
    with pytest.raises(FrameError, match="one without Columns"):
        frame(data, dataset)


def test_an_attribute_that_is_empty_is_as_one_that_is_not_there():
    data, dataset = stored(JOE)
    for keyword in ("SamplesPerPixel", "PhotometricInterpretation", "BitsStored"):
        dataset[keyword].value = None
    assert frame(data, dataset).shape == expected().shape


def test_samples_of_a_size_that_none_can_have():
    data, dataset = stored(JOE)
    dataset.BitsAllocated = 12
    with pytest.raises(FrameError, match="12"):
        frame(data, dataset)


def test_a_list_of_data_sets_is_not_one():
    _, dataset = stored(JOE)
    with pytest.raises(FrameError, match="Take one of it") as caught:
        frame(encoded("JPEG Lossless"), [dataset])
    assert caught.value.came == "list"


def test_a_wrong_length_is_counted_out():
    data, dataset = stored(JOE)
    with pytest.raises(FrameError, match="too short") as caught:
        frame(data[:-1], dataset)
    assert caught.value.expected == "600 rows x 512 columns x 1 samples x 16 bits = 614400 bytes"
    assert caught.value.came == "614399 bytes"
    with pytest.raises(FrameError, match="too long"):
        frame(data + b"\0\0", dataset)


def test_an_empty_frame():
    with pytest.raises(FrameError, match="empty"):
        frame(b"")


def encoded(way):
    """Return a small frame in an encoding, for cutting it."""
    values = numpy.random.default_rng(2).integers(0, 4096, (24, 20), "u2")
    functions = {
        "JPEG Lossless": lambda: imagecodecs.jpeg8_encode(
            values, lossless=True, predictor=1, bitspersample=12
        ),
        "JPEG baseline": lambda: imagecodecs.jpeg8_encode((values >> 4).astype("u1")),
        "JPEG-LS": lambda: imagecodecs.jpegls_encode(values),
        "JPEG 2000": lambda: imagecodecs.jpeg2k_encode(values, level=0, codecformat="j2k"),
        "JP2": lambda: imagecodecs.jpeg2k_encode(values, level=0, codecformat="jp2"),
        "PNG": lambda: imagecodecs.png_encode(values),
    }
    return functions[way]()


ENCODED = ["JPEG Lossless", "JPEG baseline", "JPEG-LS", "JPEG 2000", "JP2", "PNG"]


@pytest.mark.parametrize("way", ENCODED)
def test_a_frame_cut_anywhere_is_an_error(way):
    whole = encoded(way)
    assert frame(whole).shape == (24, 20)
    for length in range(len(whole) - 12):
        with pytest.raises(FrameError):
            frame(whole[:length])


@pytest.mark.parametrize("way", ENCODED)
def test_a_damaged_frame_is_an_array_or_a_frame_error(way):
    whole = encoded(way)
    rng = numpy.random.default_rng(5)
    for _ in range(200):
        damaged = bytearray(whole)
        for at in rng.integers(0, len(whole), 3):
            damaged[at] = rng.integers(0, 256)
        try:
            assert isinstance(frame(bytes(damaged)), numpy.ndarray)
        except FrameError as error:
            assert error.hint


@pytest.mark.parametrize("way", ENCODED)
def test_a_frame_that_says_it_is_vast_is_not_decoded(way):
    """One damaged byte is enough, and the decoder would take all the memory there is."""
    whole = encoded(way)
    assert declared(whole)[:2] == (20, 24)
    if way in ("JPEG 2000", "JP2", "PNG"):
        true, vast = struct.pack(">LL", 20, 24), struct.pack(">LL", 2**31, 24)
    else:
        true, vast = struct.pack(">HH", 24, 20), struct.pack(">HH", 65535, 65535)
    assert true in whole
    with pytest.raises(FrameError, match="damaged") as caught:
        frame(whole.replace(true, vast))
    assert "268,435,456 bytes of pixels at most" in caught.value.expected
    assert " x " in caught.value.came


def test_a_frame_made_even_by_any_byte_is_whole():
    """Orthanc's JPEG-LS: one byte behind the end, and not always a zero."""
    values = numpy.arange(64, dtype="u2").reshape(8, 8)
    data = imagecodecs.jpegls_encode(values)
    for padding in (b"\0", b"\xc1"):
        assert numpy.array_equal(frame(data + padding), values)


def test_a_cut_rle_frame_is_an_error():
    data, dataset = stored(RAVI)
    assert (frame(data, dataset) == pydicom.dcmread(RAVI).pixel_array).all()
    for length in (70, 1000, len(data) // 2, len(data) - 100):
        with pytest.raises(FrameError):
            frame(data[:length], dataset)


def test_a_missing_decoder_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(FrameError, match="JPEG baseline") as caught:
        frame(stored(ANDY)[0])
    assert "pip install imagecodecs" in caught.value.hint
    assert (frame(*stored(JOE)) == expected()).all()


# Palettes ----------------------------------------------------------------------------------------


def palette_image():
    """Return 8-bit indices, and attributes with a palette."""
    indices = numpy.random.default_rng(3).integers(0, 256, (20, 30), "u1")
    dataset = pydicom.Dataset()
    dataset.Rows, dataset.Columns = indices.shape
    dataset.SamplesPerPixel, dataset.BitsAllocated, dataset.BitsStored = 1, 8, 8
    dataset.PixelRepresentation, dataset.PhotometricInterpretation = 0, "PALETTE COLOR"
    for shift, colour in enumerate(("Red", "Green", "Blue")):
        table = numpy.roll(numpy.arange(256, dtype="u1"), 80 * shift).tobytes()
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 8])
        setattr(dataset, f"{colour}PaletteColorLookupTableData", table)
    return indices, dataset


def rle(indices):
    dataset = palette_image()[1]
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.PixelData = indices.tobytes()
    dataset["PixelData"].VR = "OW"
    dataset.SOPInstanceUID = "2.25.1"
    dataset.compress(RLELossless, encoding_plugin="pydicom")
    return get_frame(dataset.PixelData, 0, number_of_frames=1)


@pytest.mark.parametrize(
    "encode",
    [
        numpy.ndarray.tobytes,
        rle,
        imagecodecs.jpegls_encode,
        lambda pixels: imagecodecs.jpeg8_encode(pixels, lossless=True),
    ],
)
def test_indices_become_the_colours_of_the_palette(encode):
    indices, dataset = palette_image()
    assert numpy.array_equal(frame(encode(indices), dataset), apply_color_lut(indices, dataset))


def test_colours_that_the_server_looked_up_stay():
    indices, dataset = palette_image()
    shown = apply_color_lut(indices, dataset)
    for encoded in (
        imagecodecs.png_encode(shown),
        imagecodecs.jpeg2k_encode(shown, level=0, reversible=True, codecformat="j2k"),
    ):
        assert numpy.array_equal(frame(encoded, dataset), shown)


def test_indices_without_a_palette_are_no_picture():
    indices, dataset = palette_image()
    del dataset.BluePaletteColorLookupTableData
    with pytest.raises(FrameError, match="the palette is missing"):
        frame(indices.tobytes(), dataset)
