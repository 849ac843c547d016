"""Pictures, checked against dcmtk's dcm2pnm and pydicom's reading of the same files."""

from io import BytesIO

import imagecodecs
import numpy
import pydicom
import pytest
from PIL import Image
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import correct_ambiguous_vr
from pydicom.pixels import pixel_array
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from classroom.pacs.image_file import NoSuchFrame, NotAvailable
from classroom.pacs.rendered import render
from helpers.pixels.windows import Window
from tests.archive import FILES
from tests.classroom.pacs.variants import (
    ANDY,
    COMMANDS,
    JOE,
    RAVI,
    REPORT,
    dcmtk,
    needs_dcmtk,
    variant,
)


def picture(path, frame=1, media_type="image/png", **options):
    """Render, and open what came with Pillow."""
    return opened(render(path, frame, media_type, **options))


def opened(data):
    return numpy.asarray(Image.open(BytesIO(data)))


def by_dcmtk(path, folder, *options):
    dcmtk("dcm2pnm", "+op", *options, path, folder / "authority.pgm")
    return numpy.asarray(Image.open(folder / "authority.pgm"))


def changed(folder, source=JOE, **attributes):
    """Write a copy of a file with other attributes."""
    dataset = pydicom.dcmread(source)
    for name, value in attributes.items():
        if value is None:
            delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    made = folder / "changed.dcm"
    correct_ambiguous_vr(dataset, is_little_endian=True)
    dataset.save_as(made)
    return made


def difference(one, other):
    assert one.shape == other.shape
    return abs(one.astype(int) - other.astype(int)).max()


# Grey ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("center", "width"), [(40, 400), (-600, 1500), (300, 2000), (0, 1)])
@needs_dcmtk
def test_window_is_that_of_dcmtk(center, width, tmp_path):
    expected = by_dcmtk(JOE, tmp_path, "+Ww", center, width)
    assert difference(picture(JOE, window=Window(center, width)), expected) <= 1


@needs_dcmtk
def test_the_files_own_window_is_the_default(tmp_path):
    own = picture(JOE)
    assert difference(own, by_dcmtk(JOE, tmp_path, "+Wi", "1")) <= 1
    assert difference(own, picture(JOE, window=Window(-330, 1200))) == 0


@needs_dcmtk
def test_without_a_window_the_range_of_the_values_is_shown(tmp_path):
    plain = changed(tmp_path, WindowCenter=None, WindowWidth=None)
    assert difference(picture(plain), by_dcmtk(plain, tmp_path, "+Wm")) <= 1
    assert (picture(plain).min(), picture(plain).max()) == (0, 255)


def test_a_window_fills_the_whole_range_and_nothing_stretches_it_again():
    values = pydicom.dcmread(JOE).pixel_array.astype(int) - 1024
    shown = picture(JOE, window=Window(-900, 100))
    assert (shown[values <= -950] == 0).all()
    assert (shown[values > -850] == 255).all()
    faint = picture(JOE, window=Window(0, 100_000))
    assert 100 < faint.min() <= faint.max() < 140


@pytest.mark.parametrize(
    ("function", "width", "expected"),
    [
        ("LINEAR", 1, [0, 0, 255, 255, 255]),
        ("LINEAR_EXACT", 4, [0, 63.75, 127.5, 191.25, 255]),
        ("SIGMOID", 4, [30.3967, 68.5801, 127.5, 186.4199, 224.6033]),
    ],
)
def test_window_functions(function, width, expected):
    """Formulas of PS3.3 C.11.2.1.2 and C.11.2.1.3, at two below the center to two above."""
    values = numpy.arange(8, 13)
    assert Window(10, width, function).apply(values) == pytest.approx(expected, abs=1e-3)


def test_the_standards_example_of_a_linear_window():
    """PS3.3 C.11.2.1.2.1: center 2048, width 4096 keeps 12 bits as they are."""
    values = numpy.arange(4096)
    assert Window(2048, 4096).apply(values) == pytest.approx(values / 4095 * 255)


@pytest.mark.parametrize(
    "window",
    [(40, 0), (40, -5), (40, 0.5), (40, 400, "CUBIC"), (40, 0, "SIGMOID"), (40, 0, "LINEAR_EXACT")],
)
def test_a_window_that_makes_no_sense(window):
    with pytest.raises(ValueError, match="window"):
        render(JOE, 1, "image/png", window=Window(*window))


def test_the_files_voi_function_is_used(tmp_path):
    made = changed(tmp_path, VOILUTFunction="SIGMOID")
    assert difference(picture(made), picture(JOE, window=Window(-330, 1200, "SIGMOID"))) == 0


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize(
    ("name", "vr", "value"),
    [
        ("WindowWidth", "DS", b"0 "),
        ("WindowWidth", "DS", b"wide"),
        ("WindowCenter", "DS", b"40,5"),
        ("WindowCenter", "DS", b"NaN "),
        ("VOILUTFunction", "CS", b"CUBIC "),
    ],
)
def test_a_useless_window_in_the_file_is_passed_over(tmp_path, name, vr, value):
    dataset = pydicom.dcmread(JOE)
    tag = Tag(name)
    dataset[tag] = RawDataElement(tag, vr, len(value), value, 0, False, True)
    dataset.save_as(tmp_path / "made.dcm")
    shown = picture(tmp_path / "made.dcm")
    assert (shown.min(), shown.max()) == (0, 255)
    assert difference(shown, picture(changed(tmp_path, WindowCenter=None, WindowWidth=None))) == 0


def test_the_first_of_several_windows_is_used():
    assert difference(picture(RAVI), picture(RAVI, window=Window(40, 400))) == 0


def test_monochrome1_is_turned_round(tmp_path):
    made = changed(tmp_path, PhotometricInterpretation="MONOCHROME1")
    assert difference(picture(made), 255 - picture(JOE)) == 0


@needs_dcmtk
def test_signed_values(tmp_path):
    values = pydicom.dcmread(JOE).pixel_array.astype("i2") - 1024
    made = changed(tmp_path, PixelRepresentation=1, RescaleIntercept=0, PixelData=values.tobytes())
    assert difference(picture(made), picture(JOE)) == 0
    assert difference(picture(made), by_dcmtk(made, tmp_path, "+Wi", "1")) <= 1


def test_32_bit_values(tmp_path):
    values = pydicom.dcmread(JOE).pixel_array.astype("u4") * 1000
    made = changed(
        tmp_path,
        BitsAllocated=32,
        BitsStored=32,
        HighBit=31,
        RescaleSlope=0.001,
        PixelData=values.tobytes(),
    )
    assert difference(picture(made), picture(JOE)) == 0


def test_bits_above_bits_stored_are_not_seen(tmp_path):
    values = pydicom.dcmread(JOE).pixel_array | 0x7000
    made = changed(tmp_path, PixelData=values.tobytes())
    assert difference(picture(made), picture(JOE)) == 0


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_and_outside_the_range(photometric, tmp_path):
    values = numpy.linspace(1000, 2000, 100).astype("u2").reshape(10, 10)
    values[0] = 0
    made = changed(
        tmp_path,
        Rows=10,
        Columns=10,
        WindowCenter=None,
        WindowWidth=None,
        PixelPaddingValue=0,
        PhotometricInterpretation=photometric,
        PixelData=values.tobytes(),
    )
    shown = picture(made)
    assert (shown[0] == 0).all()
    assert {int(shown[1:].min()), int(shown[1:].max())} == {0, 255}


def lut(values, first, bits):
    item = Dataset()
    item.LUTDescriptor = [len(values), first, bits]
    item.LUTData = numpy.array(values, "u2").tobytes()
    item["LUTData"].VR = "OW"
    item.ModalityLUTType = "US"
    return Sequence([item])


@needs_dcmtk
def test_voi_lut_of_the_file(tmp_path):
    table = numpy.sqrt(numpy.linspace(0, 1, 2000)) * 4095
    made = changed(
        tmp_path,
        WindowCenter=None,
        WindowWidth=None,
        VOILUTSequence=lut(table.astype("u2"), 0, 12),
        RescaleIntercept=0,
    )
    assert difference(picture(made), by_dcmtk(made, tmp_path, "+Wl", "1")) <= 1


@needs_dcmtk
def test_modality_lut_of_the_file(tmp_path):
    table = numpy.linspace(0, 60000, 3000).astype("u2")
    made = changed(
        tmp_path,
        RescaleIntercept=None,
        RescaleSlope=None,
        RescaleType=None,
        ModalityLUTSequence=lut(table, 100, 16),
        WindowCenter=30000,
        WindowWidth=40000,
    )
    assert difference(picture(made), by_dcmtk(made, tmp_path, "+Wi", "1")) <= 1


def test_functional_groups_of_an_enhanced_image(tmp_path):
    def group(center, intercept):
        voi, transformation, item = Dataset(), Dataset(), Dataset()
        voi.WindowCenter, voi.WindowWidth = center, 400
        transformation.RescaleSlope, transformation.RescaleIntercept = 1, intercept
        item.FrameVOILUTSequence = Sequence([voi])
        item.PixelValueTransformationSequence = Sequence([transformation])
        return item

    made = changed(
        tmp_path,
        NumberOfFrames=2,
        RescaleIntercept=None,
        RescaleSlope=None,
        PixelData=pydicom.dcmread(JOE).PixelData * 2,
        PerFrameFunctionalGroupsSequence=Sequence([group(40, -1024), group(-500, -1000)]),
    )
    assert difference(picture(made, 1), picture(JOE, window=Window(40, 400))) == 0
    assert difference(picture(made, 2), picture(JOE, window=Window(-524, 400))) == 0


@pytest.mark.parametrize("way", COMMANDS)
@needs_dcmtk
def test_the_picture_is_the_same_however_the_file_is_stored(way, tmp_path):
    assert difference(picture(variant(JOE, way, tmp_path)), picture(JOE)) == 0


# Colour --------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", [1, 12, 24])
def test_ultrasound_in_true_colours(frame):
    assert difference(picture(ANDY, frame), pixel_array(ANDY, index=frame - 1)) <= 2


@needs_dcmtk
def test_ultrasound_is_what_dcmtk_shows(tmp_path):
    dcmtk("dcmdjpeg", ANDY, tmp_path / "plain.dcm")
    expected = by_dcmtk(tmp_path / "plain.dcm", tmp_path, "+F", 5)
    assert abs(picture(ANDY, 5).astype(int) - expected).mean() < 1


@pytest.mark.parametrize("planar", [0, 1])
@needs_dcmtk
def test_uncompressed_ybr(planar, tmp_path):
    dcmtk("dcmdjpeg", "+cn", "+px" if planar == 0 else "+pl", ANDY, tmp_path / "ybr.dcm")
    dataset = pydicom.dcmread(tmp_path / "ybr.dcm")
    assert dataset.PhotometricInterpretation.startswith("YBR_FULL")
    assert dataset.PlanarConfiguration == planar
    assert difference(picture(tmp_path / "ybr.dcm", 4), picture(ANDY, 4)) <= 3


@pytest.mark.parametrize("bits", [8, 16])
def test_palette_color(bits, tmp_path):
    red, green, blue = (numpy.roll(numpy.arange(256), shift) for shift in (0, 64, 128))
    indexes = numpy.arange(256, dtype="u1").reshape(16, 16)
    made = changed(
        tmp_path,
        Rows=16,
        Columns=16,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PhotometricInterpretation="PALETTE COLOR",
        PixelData=indexes.tobytes(),
        **{
            f"{name}PaletteColorLookupTable{part}": value
            for name, table in (("Red", red), ("Green", green), ("Blue", blue))
            for part, value in (
                ("Descriptor", [256, 0, bits]),
                ("Data", (table << (bits - 8)).astype(f"u{bits // 8}").tobytes()),
            )
        },
    )
    shown = picture(made)
    assert shown.shape == (16, 16, 3)
    assert (shown.reshape(-1, 3) == numpy.stack([red, green, blue], axis=1)).all()


# Size, media type, errors --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("viewport", "shape"),
    [
        ((256, 300), (300, 256)),
        ((256, 256), (256, 218)),
        ((1024, 5000), (1200, 1024)),
        ((1, 1), (1, 1)),
    ],
)
def test_the_picture_fills_the_viewport_and_keeps_its_proportions(viewport, shape):
    assert picture(JOE, viewport=viewport).shape == shape


def test_a_scaled_picture_shows_the_same():
    half = picture(JOE, viewport=(256, 300)).astype(float)
    blocks = picture(JOE).reshape(300, 2, 256, 2).mean(axis=(1, 3))
    assert numpy.corrcoef(half.ravel(), blocks.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("viewport", [(0, 10), (10, -1), (100_000, 10)])
def test_a_viewport_that_makes_no_sense(viewport):
    with pytest.raises(ValueError, match="viewport"):
        render(JOE, 1, "image/png", viewport=viewport)


def test_quality_decides_the_size_of_a_jpeg():
    small, large = (len(render(JOE, 1, "image/jpeg", quality=quality)) for quality in (10, 95))
    assert small < large / 2
    with pytest.raises(ValueError, match="quality"):
        render(JOE, 1, "image/jpeg", quality=0)


@pytest.mark.parametrize("source", [JOE, ANDY])
@pytest.mark.parametrize(("media_type", "format"), [("image/jpeg", "JPEG"), ("image/png", "PNG")])
def test_media_types(source, media_type, format):
    assert Image.open(BytesIO(render(source, 1, media_type))).format == format


PINK = (250, 10, 160)


def jpeg(coded_as, marked):
    """Return a pink JPEG, with or without the marks that say how its colours are coded."""
    pixels = numpy.full((8, 8, 3), PINK, "u1")
    made = imagecodecs.jpeg8_encode(pixels, level=95, colorspace="RGB", outcolorspace=coded_as)
    if marked:
        return made
    # Its first segment says so, and so do the names of the components, if they are R, G and B.
    bare = bytearray(made[:2] + made[4 + int.from_bytes(made[4:6], "big") :])
    frame_header, scan = bare.index(b"\xff\xc0"), bare.index(b"\xff\xda")
    for number in range(3):
        bare[frame_header + 10 + 3 * number] = bare[scan + 5 + 2 * number] = number + 1
    return bytes(bare)


@pytest.mark.parametrize(
    ("coded_as", "marked", "header"),
    [
        ("RGB", True, "RGB"),
        ("RGB", False, "RGB"),
        ("YCBCR", True, "RGB"),
        ("YCBCR", False, "YBR_FULL_422"),
        ("RGB", True, "YBR_FULL_422"),
    ],
)
def test_a_jpeg_knows_its_colours_and_else_the_header_does(tmp_path, coded_as, marked, header):
    path = changed(
        tmp_path,
        ANDY,
        Rows=8,
        Columns=8,
        NumberOfFrames=1,
        PhotometricInterpretation=header,
        PixelData=encapsulate([jpeg(coded_as, marked)]),
    )
    assert abs(picture(path).astype(int) - PINK).max() <= 4


@pytest.mark.parametrize("source", [JOE, ANDY])
def test_jpeg_and_png_show_the_same(source):
    jpeg, png = picture(source, media_type="image/jpeg"), picture(source)
    assert abs(jpeg.astype(int) - png).mean() < 3


def test_every_image_of_the_archive_can_be_rendered():
    images = [path for path in FILES if "PixelData" in pydicom.dcmread(path)]
    assert len(images) > len(FILES) / 2
    assert [path for path in images if picture(path).std() <= 5] == []


def test_what_is_no_image():
    with pytest.raises(NotAvailable, match="modality SR"):
        render(REPORT, 1, "image/jpeg")
    with pytest.raises(NotAvailable, match="image/gif"):
        render(JOE, 1, "image/gif")
    with pytest.raises(NoSuchFrame):
        render(JOE, 2, "image/jpeg")


@pytest.mark.parametrize("given", [{}, {"RedPaletteColorLookupTableDescriptor": [0, 0, 8]}])
def test_palette_that_is_missing_is_no_mistake_of_the_client(given, tmp_path):
    made = changed(tmp_path, PhotometricInterpretation="PALETTE COLOR", **given)
    with pytest.raises(NotAvailable, match="palette"):
        picture(made)
