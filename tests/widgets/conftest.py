"""A server for the widgets: the classroom PACS of the tests."""

import numpy
import pytest

from helpers.masking import WORKSHOP_KEY, Headers
from helpers.pacs import server as pacs_server
from helpers.servers import Server
from tests.widgets.synthetic import functional_groups, palette, write_image


@pytest.fixture(scope="session")
def server(pacs):
    """Return the classroom PACS as a notebook knows it."""
    headers = Headers(apikey=WORKSHOP_KEY)
    return Server("test", f"{pacs.url}/dicomweb", f"{pacs.url}/wadouri", headers)


@pytest.fixture
def nobody(free_port):
    """Return a server that is gone."""
    return Server("gone", f"http://127.0.0.1:{free_port}/dicomweb", None)


@pytest.fixture
def locked_out(server):
    """Return the server, with a secret key that it does not know."""
    return Server("locked", server.dicomweb, None, Headers(apikey="my personal secret"))


@pytest.fixture(scope="session")
def odd_images(tmp_path_factory):
    """Return images that the archive lacks, and a server that has them.

    Two have a palette: one short enough for the metadata, and one that is left out there. The third
    has pixels that are twice as high as wide, and white for the least value, as has the fourth, of
    8 bits. The fifth has two frames, each with a rescale and a window of its own.
    """
    folder = tmp_path_factory.mktemp("odd")
    ramp = numpy.arange(60 * 80, dtype="u2").reshape(60, 80)
    images = [
        write_image(folder / "1.dcm", (ramp % 64).astype("u1"), InstanceNumber=1, **palette(64)),
        write_image(folder / "2.dcm", ramp, InstanceNumber=2, **palette(4096)),
        write_image(
            folder / "3.dcm",
            ramp,
            InstanceNumber=3,
            PixelSpacing=[1.5, 0.75],
            PhotometricInterpretation="MONOCHROME1",
            RescaleSlope=1,
            RescaleIntercept=0,
        ),
        write_image(
            folder / "4.dcm",
            numpy.linspace(0, 255, 80).astype("u1").reshape(1, 80).repeat(60, axis=0),
            InstanceNumber=4,
            PhotometricInterpretation="MONOCHROME1",
            RescaleSlope=1,
            RescaleIntercept=0,
        ),
        write_image(
            folder / "5.dcm",
            numpy.vstack([ramp, ramp[::-1]]),
            InstanceNumber=5,
            NumberOfFrames=2,
            Rows=60,
            RescaleSlope=None,
            RescaleIntercept=None,
            **functional_groups(),
        ),
    ]
    running = pacs_server.start(folder, port=0)
    headers = Headers(apikey=WORKSHOP_KEY)
    yield images, Server("odd", f"{running.url}/dicomweb", f"{running.url}/wadouri", headers)
    running.stop()
