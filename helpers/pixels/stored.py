"""Stored values: how an image's attributes describe its samples (PS3.3 C.7.6.3, PS3.5 section 8).

One reading of the attributes, for what comes from a file and for what comes as DICOM JSON: words
are little endian here, and what is there and empty is as if it were not there.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy
import numpy.typing as npt
from pydicom import Dataset
from pydicom.pixels.utils import expand_ybr422

from helpers.errors import FrameError

Pixels = npt.NDArray[Any]

# What describes raw samples, and RLE, which is raw samples made shorter.
NEEDED = ("Rows", "Columns", "BitsAllocated")
# All that `read_image_pixel` reads.
DESCRIBING = (
    *NEEDED,
    *("SamplesPerPixel", "BitsStored", "HighBit", "PixelRepresentation"),
    *("PhotometricInterpretation", "PlanarConfiguration"),
)
POSSIBLE_BITS = (1, 8, 16, 32, 64)

SHARED, OWN = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
RESCALE = "PixelValueTransformationSequence"
GROUPS = ("PixelMeasuresSequence", RESCALE, "FrameVOILUTSequence")


class ImagePixel(NamedTuple):
    """The Image Pixel Module, read (PS3.3 C.7.6.3); Bits Allocated is 0 where nothing says it."""

    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    is_signed: bool
    photometric: str
    by_plane: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns; and the samples of a pixel, if more than one."""
        plane = (self.rows, self.columns)
        return plane if self.samples == 1 else (*plane, self.samples)

    @property
    def sample_count(self) -> int:
        """Samples of a frame."""
        return self.rows * self.columns * self.samples

    @property
    def size(self) -> int:
        """Bytes of a frame in memory or, with all its colours, in a file."""
        return -(-self.sample_count * self.bits_allocated // 8)

    @property
    def bits(self) -> int:
        """Bits of a frame that is not compressed."""
        # Of YBR_FULL_422, two pixels share their colour: Y1 Y2 Cb Cr (PS3.3 C.7.6.3.1.2).
        shared = self.photometric == "YBR_FULL_422"
        return (self.sample_count // 3 * 2 if shared else self.sample_count) * self.bits_allocated

    @property
    def is_ybr(self) -> bool:
        """Whether the samples are brightness and two colour differences."""
        return self.photometric.startswith("YBR_FULL")

    @property
    def has_palette(self) -> bool:
        """Whether the samples are indices into a palette."""
        return self.photometric == "PALETTE COLOR"


def read_image_pixel(dataset: Dataset | Mapping[str, Any]) -> ImagePixel:
    """Read how the pixels of an image are described, in a data set or by keyword.

    >>> dataset = Dataset()
    >>> dataset.Rows, dataset.Columns, dataset.BitsAllocated = 2, 3, 16
    >>> pixel = read_image_pixel(dataset)
    >>> pixel.shape, pixel.bits_stored, pixel.size
    ((2, 3), 16, 12)
    """
    allocated = _number(dataset, "BitsAllocated", 0)
    stored = _number(dataset, "BitsStored", allocated)
    return ImagePixel(
        rows=_number(dataset, "Rows", 0),
        columns=_number(dataset, "Columns", 0),
        samples=_number(dataset, "SamplesPerPixel", 1),
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=_number(dataset, "HighBit", stored - 1),
        is_signed=_number(dataset, "PixelRepresentation", 0) == 1,
        photometric=str(dataset.get("PhotometricInterpretation") or ""),
        by_plane=_number(dataset, "PlanarConfiguration", 0) == 1,
    )


def _number(dataset: Dataset | Mapping[str, Any], keyword: str, default: int) -> int:
    value = dataset.get(keyword)
    if value is None or value == "":
        return default
    if isinstance(value, int):
        return value
    raise FrameError(
        f"The attribute {keyword} of this image makes no sense.",
        expected="one whole number",
        came=str(value),
        hint="Get the instance's /metadata once more: is it that of this frame?",
    )


def require_description(name: str, dataset: Dataset | None) -> ImagePixel:
    """Read the description that raw samples and RLE need; explain what it lacks."""
    absent = [keyword for keyword in NEEDED if getattr(dataset, keyword, None) is None]
    if dataset is None or absent:
        raise FrameError(
            f"This is {name}: bytes that do not say how wide and how deep the image is.",
            expected=f"a data set with {', '.join(NEEDED)}",
            came="none" if dataset is None else f"one without {', '.join(absent)}",
            hint="Get the instance's /metadata, and call frame(part, datasets(response)[0]).",
        )
    pixel = read_image_pixel(dataset)
    if pixel.bits_allocated not in POSSIBLE_BITS:
        raise FrameError(
            "The data set gives its samples a size that none can have.",
            expected="BitsAllocated of 1, 8, 16, 32 or 64",
            came=str(pixel.bits_allocated),
            hint="Get the instance's /metadata once more: is it that of this frame?",
        )
    if pixel.sample_count <= 0 or min(pixel.rows, pixel.columns) <= 0:
        raise FrameError(
            "The data set describes an image without pixels.",
            expected="Rows, Columns and SamplesPerPixel of 1 or more",
            came=f"{pixel.rows}, {pixel.columns} and {pixel.samples}",
            hint="Get the instance's /metadata once more: is it that of this frame?",
        )
    return pixel


def unpack(data: bytes, pixel: ImagePixel) -> tuple[Pixels, ImagePixel]:
    """Give raw samples their shape; return them with the description that holds for them.

    It differs from `pixel` where a server decoded a JPEG itself, to RGB, and left the metadata.
    """
    if pixel.photometric == "YBR_FULL_422":
        if len(data) >= pixel.size:
            pixel = pixel._replace(photometric="RGB")
        else:
            shared = pixel.bits // 8
            _check_length(data, shared, pixel)
            data = expand_ybr422(data[:shared], pixel.bits_allocated)
            pixel = pixel._replace(by_plane=False)
    _check_length(data, pixel.size, pixel)
    if pixel.bits_allocated == 1:
        octets = numpy.frombuffer(data, "u1")
        samples = numpy.unpackbits(octets, count=pixel.sample_count, bitorder="little")
    else:
        samples = numpy.frombuffer(data, f"<u{pixel.bits_allocated // 8}", pixel.sample_count)
    return (by_pixel(samples, pixel) if pixel.by_plane else samples.reshape(pixel.shape)), pixel


def pack(pixels: Pixels, pixel: ImagePixel) -> bytes:
    """Lay out samples as the attributes say: by plane, by pixel, or two pixels sharing a colour."""
    if pixel.bits_allocated == 1:
        return numpy.packbits(pixels.ravel(), bitorder="little").tobytes()
    if pixels.ndim == 3:
        if pixel.photometric == "YBR_FULL_422":
            pairs = pixels.reshape(-1, 2, 3)
            pixels = numpy.concatenate([pairs[:, :, 0], pairs[:, 0, 1:]], axis=1)
        elif pixel.by_plane:
            pixels = pixels.transpose(2, 0, 1)
    return pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes()


def by_pixel(planes: Pixels, pixel: ImagePixel) -> Pixels:
    """Turn colour by plane (all red, all green, all blue) into colour by pixel."""
    shaped = planes.reshape(pixel.samples, pixel.rows, pixel.columns)
    return shaped[0] if pixel.samples == 1 else shaped.transpose(1, 2, 0)


def _check_length(data: bytes, size: int, pixel: ImagePixel) -> None:
    # A frame of an odd length may carry a byte that makes it even.
    if len(data) in (size, size + size % 2):
        return
    raise FrameError(
        "The frame is too short: it is cut." if len(data) < size else "The frame is too long.",
        expected=f"{pixel.rows} rows x {pixel.columns} columns x {pixel.samples} samples "
        f"x {pixel.bits_allocated} bits = {size} bytes",
        came=f"{len(data)} bytes",
        hint="Is the data set that of this instance? Then ask for the frame again.",
    )


def stored_values(samples: Pixels, pixel: ImagePixel, in_cells: bool = False) -> Pixels:
    """Take away what is beside the stored bits, and give negative values their sign.

    The cells of raw samples and RLE are Bits Allocated wide, and High Bit says where the value is
    in them (PS3.5 section 8.1.1); a decoder gives values that begin at the lowest bit.

    >>> pixel = ImagePixel(1, 3, 1, 16, 12, 11, True, "MONOCHROME2", False)
    >>> stored_values(numpy.array([1, 0x0FFF, 0xF001], "u2"), pixel)
    array([ 1, -1,  1], dtype=int16)
    """
    width = samples.itemsize * 8
    kind = f"{'i' if pixel.is_signed else 'u'}{samples.itemsize}"
    if pixel.bits_allocated == 1 or not 0 < pixel.bits_stored <= width:
        return samples.astype(kind, copy=False)
    unused = width - pixel.bits_stored
    above = unused
    if in_cells and pixel.bits_stored <= pixel.high_bit + 1 <= width:
        above = width - 1 - pixel.high_bit
    if not unused:
        return samples.view(kind) if samples.dtype.isnative else samples.astype(kind)
    return (samples << above).astype(kind, copy=False) >> unused


# Of brightness and two colour differences, red, green and blue (ITU-T T.871 section 7).
_YBR_TO_RGB = numpy.array(
    [[1, 1, 1], [0, -0.114 * 1.772 / 0.587, 1.772], [1.402, -0.299 * 1.402 / 0.587, 0]], "f4"
)


def ybr_to_rgb(pixels: Pixels, bits: int) -> Pixels:
    """Turn YBR_FULL into RGB (PS3.3 C.7.6.3.1.2)."""
    half = 1 << (bits - 1)
    rgb = (pixels.astype("f4") - numpy.array([0, half, half], "f4")) @ _YBR_TO_RGB
    return (rgb + 0.5).clip(0, 2 * half - 1).astype(pixels.dtype)


def frame_attributes(dataset: Dataset, number: int) -> Dataset:
    """Return a frame's attributes where an ordinary image has them (PS3.3 C.7.6.16).

    >>> measures, group, dataset = Dataset(), Dataset(), Dataset()
    >>> measures.PixelSpacing = [0.5, 0.5]
    >>> group.PixelMeasuresSequence = [measures]
    >>> dataset.SharedFunctionalGroupsSequence = [group]
    >>> frame_attributes(dataset, 1).PixelSpacing
    [0.5, 0.5]
    """
    found = [item for name in GROUPS for _, item in _items(dataset, number, name)]
    if not found:
        return dataset
    flat = Dataset()
    flat.update(dataset)  # Dataset(dataset) and copy() share their elements: frames would mix
    for item in found:
        flat.update(item)
    return flat


def rescale_in_python(dataset: Dataset, number: int) -> str:
    """Write where the rescale of a frame is, if it is in a functional group; else an empty text."""
    return next((place for place, _ in _items(dataset, number, RESCALE)), "")


def _items(dataset: Dataset, number: int, name: str) -> Iterator[tuple[str, Dataset]]:
    """Yield each item of a functional group that holds for a frame, and where it is, in Python."""
    for sequence, index in ((SHARED, 0), (OWN, number - 1)):
        groups = dataset.get(sequence) or []
        for group in groups[index : index + 1]:
            for item in (group.get(name) or [])[:1]:
                yield f"{sequence}[{index}].{name}[0]", item
