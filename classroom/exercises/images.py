"""The exercises of notebook 03: see the images."""

from typing import Any

import numpy
import numpy.typing as npt
import pydicom
from pydicom.pixels.processing import apply_modality_lut

from classroom.exercises.answers import NotYet, call, describe, need
from classroom.exercises.exercise import exercise
from classroom.exercises.expected import OCTETS, ask, instance_resource
from helpers.dicom.datasets import datasets
from helpers.errors import WorkbookError
from helpers.multipart.reader import Part, parts
from helpers.pixels.frame import frame
from helpers.pixels.signatures import encoding
from helpers.servers.server import Server

NOTEBOOK = "03-see-the-images"
JPEG = 'multipart/related; type="image/jpeg"'

# Rows and columns, in Joe's first image: within the mass, and in the lung beside it.
MASS = slice(220, 255), slice(325, 350)
LUNG = slice(220, 255), slice(375, 400)
# A JPEG of a third kind. Behind SOS come data, and no more segments: the c3 is no marker.
PROGRESSIVE = bytes.fromhex("ffd8 ffc2000b080010001001011100 ffda0008010100003f00 00c3 ffd9")
SHADES = 256
SHADES_APART = 60
SHARE_INSIDE = 0.95


def raw_frame(server: Server, resource: str) -> tuple[bytes, pydicom.Dataset, npt.NDArray[Any]]:
    """Return the raw bytes of a frame, the attributes of its instance, and the decoded pixels."""
    [part] = parts(ask(server, f"{resource}/frames/1", accept=OCTETS))
    [dataset] = datasets(ask(server, f"{resource}/metadata"))
    return part.content, dataset, frame(part, dataset)


def joes_image(server: Server) -> str:
    """Return the resource of Joe's first image."""
    return instance_resource(server, "SIIM^Joe", "CT")


@exercise(
    NOTEBOOK,
    hints=[
        "The marker that begins with SOF tells the kind. Before it come other segments, and each "
        "says how long it is.",
        "Take the loop of the notebook into the function. It stops at SOS (`0xDA`), where the data "
        "begin; yours can stop earlier, as soon as the marker is `0xC0` or `0xC3`.",
        "Before the loop: `if jpeg[:2] != b'\\xff\\xd8': return None`. In the loop: return the "
        "word that belongs to the marker, or go on by 2 and the length. The length is two bytes, "
        "the high byte first.",
    ],
    solution=r"""
        def kind(jpeg):
            if jpeg[:2] != b"\xff\xd8":
                return None
            position = 2
            while position < len(jpeg):
                marker = jpeg[position + 1]
                if marker == 0xC0:
                    return "baseline"
                if marker == 0xC3:
                    return "lossless"
                if marker == 0xDA:
                    return None
                length = jpeg[position + 2 : position + 4]
                position += 2 + int.from_bytes(length, "big")
            return None


        which_jpeg.check(kind)
    """,
)
def which_jpeg(server: Server, kind: Any) -> str:
    """Tell one JPEG from another."""
    joe = joes_image(server)
    andy = instance_resource(server, "SIIM^Andy", "US")
    rendered = ask(server, f"{joe}/rendered", accept="image/jpeg").content
    # A comment that holds what looks like a marker.
    with_comment = rendered[:2] + b"\xff\xfe\x00\x06\xff\xc3\xff\xc0" + rendered[2:]
    cases = {
        "for Joe's frame": parts(ask(server, f"{joe}/frames/1", accept=JPEG))[0].content,
        "for Andy's frame": parts(ask(server, f"{andy}/frames/1", accept=JPEG))[0].content,
        "for Joe's rendered picture": rendered,
        "for a picture with a comment in front, which holds the bytes ff c3": with_comment,
        "for a JPEG that is progressive (SOF2)": PROGRESSIVE,
        "for a PNG": ask(server, f"{joe}/rendered", accept="image/png").content,
    }
    words = {"JPEG baseline (SOF0)": "baseline", "JPEG Lossless (SOF3)": "lossless"}
    for case, content in cases.items():
        yours = call(kind, content, case=case)
        if yours not in ("baseline", "lossless", None):
            raise NotYet(
                "The task asks for `'baseline'`, `'lossless'` or None. "
                f"Yours is {describe(yours)} {case}."
            )
        if yours != words.get(encoding(content).partition(",")[0]):
            raise NotYet(f"Your function returns {yours!r} {case}. Its markers say something else.")
    return f"Your function reads the markers of {len(cases)} pictures."


@exercise(
    NOTEBOOK,
    hints=[
        "First an array of numbers, then its shape, then the two attributes that make Hounsfield "
        "units of it.",
        "A pixel has two bytes, the low byte first: NumPy writes that as `<u2`. The shape is rows "
        "first, then columns.",
        "`np.frombuffer(raw, dtype='<u2')` and `.reshape(metadata.Rows, ...)`. Then multiply by "
        "`float(metadata.RescaleSlope)` and add the intercept.",
    ],
    solution="""
        def to_hounsfield(raw, metadata):
            stored = np.frombuffer(raw, dtype="<u2")
            stored = stored.reshape(metadata.Rows, metadata.Columns)
            slope = float(metadata.RescaleSlope)
            return stored * slope + float(metadata.RescaleIntercept)


        read_pixels.check(to_hounsfield)
    """,
)
def read_pixels(server: Server, to_hounsfield: Any) -> str:
    """Turn raw bytes into Hounsfield units."""
    raw, metadata, pixels = raw_frame(server, joes_image(server))
    wanted = apply_modality_lut(pixels, metadata)
    yours = call(to_hounsfield, raw, metadata, case="for Joe's first image")
    need(yours, numpy.ndarray, "a NumPy array")
    if yours.shape != wanted.shape:
        raise NotYet(
            f"Your array has the shape {yours.shape}. The image has {metadata.Rows} rows and "
            f"{metadata.Columns} columns."
        )
    if not numpy.allclose(yours, wanted):
        if numpy.allclose(yours, pixels):
            raise NotYet("These are the stored values. What makes Hounsfield units of them?")
        raise NotYet(
            f"Your values go from {yours.min():g} to {yours.max():g}. That is not what the bytes "
            "and the attributes give."
        )
    # Attributes of another scanner: who wrote the numbers of Joe's image into the function fails.
    metadata.RescaleSlope, metadata.RescaleIntercept = 2, -100
    yours = call(to_hounsfield, raw, metadata, case="with another slope and intercept")
    if not numpy.allclose(need(yours, numpy.ndarray, "a NumPy array"), pixels * 2.0 - 100):
        raise NotYet("Right for Joe's image, but not with another slope and intercept.")
    return f"{wanted.shape[0]} rows of {wanted.shape[1]} pixels, in Hounsfield units."


@exercise(
    NOTEBOOK,
    hints=[
        "JPEG-LS is another member of the family: small, and nothing is lost. It has a media type "
        "of its own.",
        "DICOM PS3.18 calls it `image/jls`. A frame comes as multipart, so this is the `type` of "
        "a `multipart/related`, in quotes.",
        "Send the `Accept` that the notebook sends for the lossless JPEG, with the other type in "
        "it. Then `part = parts(response)[0]`, and `frame` decodes it.",
    ],
    solution="""
        response = requests.get(
            f"{instance_url}/frames/1",
            headers={
                **server.headers,
                "Accept": 'multipart/related; type="image/jls"',
            },
        )
        part = parts(response)[0]
        pixels = frame(part)
        another_transfer_syntax.check(part, pixels)
    """,
)
def another_transfer_syntax(server: Server, part: Any, pixels: Any) -> str:
    """Ask for a frame in another transfer syntax."""
    need(part, Part, "a part of an answer, `parts(response)[0]`")
    name = encoding(part.content)
    if not name.startswith("JPEG-LS"):
        raise NotYet(f"The bytes of your part are {name}. The task asks for JPEG-LS.")
    need(pixels, numpy.ndarray, "an array of pixels")
    _, _, wanted = raw_frame(server, joes_image(server))
    try:
        decoded = frame(part)
    except WorkbookError as error:
        raise NotYet(f"Your part cannot be decoded. {error.problem}") from error
    if not numpy.array_equal(decoded, wanted):
        raise NotYet("Your part is a JPEG-LS picture, but not of Joe's first image.")
    if not numpy.array_equal(pixels, decoded):
        raise NotYet(f"Your pixels are not those of your part: {describe(pixels)}.")
    return (
        f"JPEG-LS takes {part.size:,} bytes for {wanted.nbytes:,} bytes of pixels, "
        "and every pixel is equal."
    )


@exercise(
    NOTEBOOK,
    hints=[
        "The shades must go to the values that you want to tell apart, and to few others.",
        "Look at the numbers first: `mass.min()`, `mass.max()`, and the same for `lung`. Which "
        "range holds both?",
        "The centre lies in the middle of that range, and the width is its size. If the shades are "
        "still too close, make it narrower, but leave 95 of 100 pixels of each region in it: "
        "`np.percentile`.",
    ],
    solution="""
        both = np.concatenate([mass.ravel(), lung.ravel()])
        low, high = np.percentile(both, [1, 99])
        window = ((low + high) / 2, high - low)
        window_mass.check(window)
    """,
)
def window_mass(server: Server, window: Any) -> str:
    """Window an image to see the mass."""
    if isinstance(window, numpy.ndarray):
        window = window.tolist()
    need(window, tuple | list, "a pair: centre and width")
    if len(window) != 2 or not all(isinstance(n, int | float | numpy.number) for n in window):
        yours = " and ".join(map(describe, window)) or "none"
        raise NotYet(f"The task asks for two numbers: centre and width. Yours: {yours}.")
    center, width = map(float, window)
    if not 1 < width < float("inf") or abs(center) == float("inf") or center != center:
        raise NotYet(f"A window with the centre {center:g} and the width {width:g} shows nothing.")
    _, metadata, pixels = raw_frame(server, joes_image(server))
    hounsfield = apply_modality_lut(pixels, metadata)
    # PS3.3 C.11.2.1.2.1
    shares = (hounsfield - (center - 0.5)) / (width - 1) + 0.5
    for name, place in {"mass": MASS, "lung": LUNG}.items():
        inside = numpy.mean((shares[place] > 0) & (shares[place] < 1))
        if inside < SHARE_INSIDE:
            brighter = "white" if numpy.median(shares[place]) > 0.5 else "black"
            raise NotYet(
                f"In your window, {100 * (1 - inside):.3g}% of the pixels of the {name} are "
                f"wholly {brighter}."
            )
    # Down to the next shade, so that 59.9 does not read as 60.
    apart = int((shares[MASS].mean() - shares[LUNG].mean()) * (SHADES - 1))
    if apart < SHADES_APART:
        raise NotYet(
            f"In your window, mass and lung are {apart} shades apart. That is too little to "
            f"see: at least {SHADES_APART} are asked for."
        )
    return f"The mass stands out: it is {apart} shades of grey brighter than the lung."
