"""One image, one picture: the viewer, /rendered, and an authority that is neither.

What each rule should give is worked out here with numpy, pydicom or Pillow.
"""

import warnings
from io import BytesIO
from pathlib import Path

import numpy
import pydicom
import pydicom.data
import pytest
import requests
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.pixels import (
    apply_color_lut,
    apply_modality_lut,
    apply_voi_lut,
    apply_windowing,
    pixel_array,
)
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit

from classroom.pacs import server as pacs_server
from classroom.pacs.frames import NotAvailable, read_frame
from classroom.pacs.image_file import open_image
from classroom.pacs.rendered import render
from helpers import FrameViewer, Server, datasets, frame, parts, view_frame
from helpers.pixels.display import eight_bits
from helpers.pixels.stored import frame_attributes
from tests.archive import FILES, ONE_OF_EACH_KIND
from tests.helpers.synthetic import functional_groups, item, write_image

PYDICOM = Path(pydicom.data.__file__).parent / "test_files"
RAMP = numpy.tile(numpy.linspace(0, 4095, 64).astype("<u2"), (64, 1))
BYTES = numpy.tile(numpy.linspace(0, 255, 64).astype("u1"), (64, 1))
TWELVE = {"BitsStored": 12, "HighBit": 11, "RescaleSlope": None, "RescaleIntercept": None}
WINDOW = {"WindowCenter": 2000, "WindowWidth": 1000}
RED = (200, 30, 0)


def lookup_table(table, bits, first=0):
    made = item(LUTDescriptor=[len(table), first, bits], LUTData=table.astype("<u2").tobytes())
    made["LUTData"].VR = "OW"
    return [made]


def stretched(values):
    """Make the least value black and the greatest white."""
    values = values.astype(float)
    return (values - values.min()) / (values.max() - values.min()) * 255


def through_window(values, center=2000, width=1000):
    """PS3.3 C.11.2.1.2.1."""
    return (((values.astype(float) - center + 0.5) / (width - 1) + 0.5) * 255).clip(0, 255)


def red_jpeg():
    """Make a JPEG, drawn red: an Exif segment of 400 bytes stands in front of the Adobe marker."""
    drawn, file = numpy.full((64, 64, 3), RED, "u1"), BytesIO()
    Image.fromarray(drawn).save(file, "JPEG", quality=95, subsampling=0)
    data = file.getvalue()
    exif = b"\xff\xe1" + (402).to_bytes(2, "big") + b"Exif\0\0" + bytes(394)
    adobe = b"\xff\xee" + (14).to_bytes(2, "big") + b"Adobe\0\x64\0\0\0\0\x01"
    return data[:2] + exif + adobe + data[4 + int.from_bytes(data[4:6], "big") :]


def write_red(path):
    """Write that JPEG as a DICOM file whose data set says RGB."""
    dataset = write_image(path, BYTES, RescaleSlope=None, RescaleIntercept=None)
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.SamplesPerPixel, dataset.PlanarConfiguration = 3, 0
    dataset.PhotometricInterpretation = "RGB"
    dataset.PixelData = encapsulate([red_jpeg()])
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    dataset.save_as(path)
    return dataset


def padded(value):
    made = RAMP.copy()
    made[:, :32] = value
    return made


def palette():
    """Return a palette that says 16 bits an entry, and uses 8 of them."""
    tables = [numpy.roll(numpy.arange(256), 40 * n) for n in range(3)]
    attributes = {"PhotometricInterpretation": "PALETTE COLOR", **TWELVE}
    attributes |= {"BitsStored": 8, "HighBit": 7}
    for colour, table in zip(("Red", "Green", "Blue"), tables, strict=True):
        attributes[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        attributes[f"{colour}PaletteColorLookupTableData"] = table.astype("<u2").tobytes()
    return attributes, numpy.stack(tables, axis=1)


def kinds():
    """Yield a name, pixels, attributes, and the picture as it should be."""
    yield "plain window", RAMP, TWELVE | WINDOW, through_window(RAMP)
    yield "no window", RAMP, TWELVE, stretched(RAMP)
    falling = lookup_table(numpy.arange(4095, -1, -1), 12)
    yield "VOI LUT", RAMP, {**TWELVE, "VOILUTSequence": falling}, 255 - stretched(RAMP)
    pixels = padded(4095)
    seen = pixels[pixels != 4095]
    expected = numpy.where(pixels == 4095, 0, (pixels - float(seen.min())) / numpy.ptp(seen) * 255)
    yield "padding", pixels, {**TWELVE, "PixelPaddingValue": 4095}, expected
    pixels = padded(0)
    inverted = {**TWELVE, **WINDOW, "PhotometricInterpretation": "MONOCHROME1"}
    expected = numpy.where(pixels == 0, 0, 255 - through_window(pixels))
    yield "MONOCHROME1 with padding", pixels, {**inverted, "PixelPaddingValue": 0}, expected
    attributes, table = palette()
    yield "palette of 8 bits in 16", BYTES, attributes, table[BYTES]
    # More than the seven that differed once.
    squares = numpy.arange(4096) ** 2 // 4096
    modality = lookup_table(squares, 16)
    modality[0].ModalityLUTType = "US"
    expected = stretched(squares[RAMP])
    yield "Modality LUT", RAMP, {**TWELVE, "ModalityLUTSequence": modality}, expected
    squares = numpy.arange(16) ** 2
    short = lookup_table(squares, 8)
    short[0].ModalityLUTType = "US"
    pixels = RAMP // 256
    expected = stretched(squares[pixels])
    yield "short Modality LUT", pixels, {**TWELVE, "ModalityLUTSequence": short}, expected
    limits = {"PixelPaddingValue": 0, "PixelPaddingRangeLimit": 1000}
    expected = numpy.where(RAMP <= 1000, 0, through_window(RAMP))
    yield "range of padding", RAMP, TWELVE | WINDOW | limits, expected
    exact = {**WINDOW, "VOILUTFunction": "LINEAR_EXACT", "WindowWidth": 0.5, "WindowCenter": 2047.5}
    yield "narrow window", RAMP, TWELVE | exact, numpy.where(RAMP > 2047, 255, 0)
    sigmoid = {**WINDOW, "VOILUTFunction": "SIGMOID"}
    expected = 255 / (1 + numpy.exp(-4 * (RAMP - 2000.0) / 1000))
    yield "sigmoid", RAMP, TWELVE | sigmoid, expected
    unknown = {**WINDOW, "VOILUTFunction": "CUBIC"}
    yield "unknown function", RAMP, TWELVE | unknown, stretched(RAMP)
    for width in (0, -200):
        attributes = TWELVE | {"WindowCenter": 2000, "WindowWidth": width}
        yield f"window of width {width}", RAMP, attributes, stretched(RAMP)
    several = {"WindowCenter": [2000, 100], "WindowWidth": [1000, 50]}
    yield "several windows", RAMP, TWELVE | several, through_window(RAMP)
    group = functional_groups() | {"NumberOfFrames": 1}
    expected = through_window(RAMP - 100.0, 1000, 1000)
    yield "functional groups", RAMP, TWELVE | group, expected


KINDS = {name: rest for name, *rest in kinds()}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Write the images; return their data sets by name, and a server that has them."""
    folder = tmp_path_factory.mktemp("kinds")
    images = {}
    for number, (name, (pixels, attributes, _)) in enumerate(KINDS.items()):
        images[name] = write_image(folder / f"{number}.dcm", pixels, **attributes)
    images["red"] = write_red(folder / "red.dcm")
    running = pacs_server.start(folder, port=0, apikey=None)
    yield images, Server("kinds", f"{running.url}/dicomweb", None)
    running.stop()


def url(server, dataset, behind):
    return (
        f"{server.dicomweb}/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}"
        f"/instances/{dataset.SOPInstanceUID}{behind}"
    )


def ask(server, dataset, behind, accept):
    answer = requests.get(url(server, dataset, behind), headers={"Accept": accept}, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer


def in_colour(picture):
    """Return RGB, 64 x 64, of whatever shape a picture has."""
    picture = Image.fromarray(picture) if isinstance(picture, numpy.ndarray) else picture
    return numpy.asarray(picture.convert("RGB").resize((64, 64), Image.Resampling.NEAREST), float)


def viewers(server, dataset):
    """Yield a viewer that shows the image as its file says, if it says something."""
    viewer = FrameViewer(server, dataset.StudyInstanceUID)
    uids = viewer.shown["SOPInstanceUID"].tolist()
    viewer.image = uids.index(dataset.SOPInstanceUID) + 1
    assert viewer.error is None
    if viewer.windows:  # a colour image has none
        assert viewer.window == viewer.windows[0]
    yield viewer
    viewer.close()


def drawn(server, dataset):
    """Yield the picture of the viewer, of its function, and of the server."""
    for viewer in viewers(server, dataset):
        yield in_colour(viewer.picture())
    series = dataset.SeriesInstanceUID
    yield in_colour(view_frame(server, dataset.StudyInstanceUID, series, dataset.SOPInstanceUID))
    png = ask(server, dataset, "/rendered", "image/png").content
    yield in_colour(Image.open(BytesIO(png)))


@pytest.mark.parametrize("name", KINDS)
def test_viewer_and_server_draw_what_the_standard_says(made, name):
    images, server = made
    expected = in_colour(numpy.round(KINDS[name][2]).astype("u1"))
    for picture in drawn(server, images[name]):
        assert abs(picture - expected).mean() < 2


@pytest.mark.parametrize("name", ["Modality LUT", "short Modality LUT", "VOI LUT"])
def test_code_of_the_viewer_runs(made, name, monkeypatch, capsys):
    """Tables of a data set that came as JSON have no byte order, so it asks for the instance."""
    monkeypatch.setenv("MPLBACKEND", "Agg")
    images, server = made
    [viewer] = viewers(server, images[name])
    capsys.readouterr()
    exec(viewer.code, {"server": server})
    assert capsys.readouterr().out.startswith("64 x 64, ")


def test_viewer_and_server_draw_a_red_jpeg_red(made):
    images, server = made
    for picture in drawn(server, images["red"]):
        assert abs(picture - RED).max() < 8


def test_a_red_jpeg_is_red_in_every_way(made):
    """Not only as a picture: also the instance under the same UID, in another transfer syntax."""
    images, server = made
    red = images["red"]
    related = 'multipart/related; type="{}"'
    [metadata] = datasets(ask(server, red, "/metadata", "application/dicom+json"))
    jpeg = ask(server, red, "/frames/1", related.format("image/jpeg") + "; transfer-syntax=*")
    raw = ask(server, red, "/frames/1", related.format("application/octet-stream"))
    dicom = related.format("application/dicom")
    as_stored = ask(server, red, "", dicom + "; transfer-syntax=*")
    explicit = ask(server, red, "", f"{dicom}; transfer-syntax={ExplicitVRLittleEndian}")
    stored, transcoded = (pydicom.dcmread(parts(a)[0].file) for a in (as_stored, explicit))
    assert transcoded.SOPInstanceUID == stored.SOPInstanceUID
    assert transcoded.PhotometricInterpretation == "RGB"
    ways = {
        "Pillow": numpy.asarray(Image.open(BytesIO(red_jpeg()))),
        "image/jpeg": frame(parts(jpeg)[0], metadata),
        "application/octet-stream": frame(parts(raw)[0], metadata),
        "stored": frame(pydicom.encaps.get_frame(stored.PixelData, 0), stored),
        "transcoded": transcoded.pixel_array,
    }
    for way, pixels in ways.items():
        assert abs(pixels[0, 0].astype(int) - RED).max() < 8, way


# Real files ------------------------------------------------------------------------------------


def judged(path):
    """Return the picture of a file by pydicom alone; None if it cannot decode or draw it."""
    header = pydicom.dcmread(path)
    try:
        pixels = pixel_array(path, index=0)
    except (AttributeError, RuntimeError, NotImplementedError, ValueError, IndexError):
        return None
    if header.PhotometricInterpretation == "PALETTE COLOR":
        pixels = apply_color_lut(pixels, header)
    if pixels.ndim == 3:
        bits = 16 if pixels.dtype == "u2" else header.BitsStored
        return (pixels >> (bits - 8)).astype(float)
    values = apply_modality_lut(pixels, header)
    if "PixelPaddingValue" in header or "PerFrameFunctionalGroupsSequence" in header:
        return None
    if header.get("VOILUTSequence"):
        shown = apply_voi_lut(values.astype(int), header)
        shown = shown / (2 ** header.VOILUTSequence[0].LUTDescriptor[2] - 1) * 255
    elif header.get("WindowWidth") is not None and numpy.ptp(apply_windowing(values, header)):
        shown = stretched_by_window(values, header)
    else:
        shown = stretched(values)
    return 255 - shown if header.PhotometricInterpretation == "MONOCHROME1" else shown


def stretched_by_window(values, header):
    center, width = (numpy.atleast_1d(header[name].value)[0] for name in WINDOW)
    return through_window(values, float(center), float(width))


def by_the_client(path, number=1):
    """Draw a frame from what a client has: bytes of /frames, and attributes as DICOM JSON."""
    model = open_image(path).header.to_json_dict(suppress_invalid_tags=True)
    header = pydicom.Dataset.from_json(model)
    raw = frame(read_frame(path, number, ExplicitVRLittleEndian), header)
    return eight_bits(raw, frame_attributes(header, number))


def by_the_server(path):
    return numpy.asarray(Image.open(BytesIO(render(path, 1, "image/png"))))


def check(path):
    """Compare three pictures of a file; tell whether there are three."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            server = by_the_server(path).astype(float)
        except NotAvailable:
            return False
        assert abs(server - by_the_client(path)).mean() < 2
        authority = judged(path)
    if authority is None:
        return False
    assert server.shape == authority.shape
    assert abs(server - authority).mean() < 2
    return True


@pytest.mark.parametrize("path", ONE_OF_EACH_KIND, ids=lambda path: path.name)
def test_the_archive_looks_as_pydicom_sees_it(path):
    if "PixelData" in pydicom.dcmread(path):
        check(path)


def test_all_of_the_archive_looks_as_pydicom_sees_it():
    images = [path for path in FILES if "PixelData" in pydicom.dcmread(path)]
    assert sum(map(check, images)) >= 60


def test_files_of_pydicom_look_as_pydicom_sees_them():
    """The files that its package brings, and that both can decode."""
    images = []
    for path in sorted(PYDICOM.rglob("*.dcm")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = pydicom.dcmread(path, force=True, stop_before_pixels=True)
        if "Rows" in header and "TransferSyntaxUID" in header.get("file_meta", {}):
            images.append(path)
    assert sum(map(check, images)) >= 40
