"""The bench for Accept headers: built from parts, sent, compared."""

import base64
import io
import re

import numpy
import pydicom
import pytest
from pandas.testing import assert_series_equal
from PIL import Image
from pydicom.pixels import apply_color_lut

from helpers import AcceptLab, build_accept, compare_accepts
from helpers.errors import WorkbookError
from helpers.queries.compare_accepts import SPELLINGS
from helpers.servers.server import Server
from helpers.web.media_types import parse_one
from tests.answers import saying
from tests.archive import JOE
from tests.helpers.widgets.looking import everything_in, run_code

HEADER = pydicom.dcmread(JOE[0])


def path_to(dataset):
    """Return the resource of an instance."""
    study = f"studies/{dataset.StudyInstanceUID}"
    return f"{study}/series/{dataset.SeriesInstanceUID}/instances/{dataset.SOPInstanceUID}"


INSTANCE = path_to(HEADER)
FRAME = f"{INSTANCE}/frames/1"


@pytest.fixture
def lab(server):
    return AcceptLab(server, FRAME)


def press_enter(field):
    """Send what the browser sends when Enter is pressed in a field."""
    field._handle_custom_msg({"event": "submit"}, [])


def test_three_spellings_are_those_of_the_workshop_of_today_and_with_a_transfer_syntax():
    workshop, today, exact = SPELLINGS
    assert workshop == "multipart/related; type=image/dicom+jpeg"
    assert today == 'multipart/related; type="image/jpeg"'
    assert parse_one(exact).transfer_syntax == "1.2.840.10008.1.2.4.50"


def test_three_spellings_stand_side_by_side(lab):
    assert [tried.accept for tried in lab.attempts] == list(SPELLINGS)
    assert [tried.response.status_code for tried in lab.attempts] == [200, 200, 406]
    assert [tried.type for tried in lab.attempts] == [
        "1 x image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.70",
        "1 x image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.70",
        "application/problem+json",
    ]
    for tried in lab.attempts:
        assert f"{len(tried.response.content):,}</td>" in lab.table.value


def test_pictures_are_the_pixels_of_the_file(lab):
    assert numpy.array_equal(lab.attempts[0].pixels, HEADER.pixel_array)
    assert lab.attempts[2].pixels is None
    assert lab.table.value.count("<img alt='JPEG Lossless (SOF3), 12 bit, 512 x 600'") == 2
    assert "no picture" in lab.table.value


def test_media_types_in_the_table_break_between_their_words(lab):
    assert "type=<wbr>image/<wbr>dicom+<wbr>jpeg</code>" in lab.table.value
    assert "&quot;<wbr>" not in lab.table.value


def test_refusal_among_answers_is_explained_in_the_table(lab):
    assert "this image has 12" in lab.table.value
    assert "role='alert'" not in lab.status.value
    assert "Traceback" not in everything_in(lab)


def test_refusal_of_what_was_sent_alone_is_a_sentence_in_place(lab):
    lab.accept.value = SPELLINGS[2]
    lab.send_button.click()
    assert "406 Not Acceptable" in lab.status.value
    lab.accept.value = SPELLINGS[1]
    lab.send_button.click()
    assert "role='alert'" not in lab.status.value


@pytest.mark.parametrize(
    ("kind", "syntax", "multipart", "quoted", "quality", "header"),
    [
        ("image/jpeg", "", True, True, 1, 'multipart/related; type="image/jpeg"'),
        ("image/dicom+jpeg", "", True, False, 1, "multipart/related; type=image/dicom+jpeg"),
        ("image/png", "", False, True, 0.5, "image/png; q=0.5"),
        (
            "image/jls",
            "1.2.840.10008.1.2.4.80",
            True,
            True,
            1,
            'multipart/related; type="image/jls"; transfer-syntax=1.2.840.10008.1.2.4.80',
        ),
    ],
)
def test_header_is_built_from_its_parts(lab, kind, syntax, multipart, quoted, quality, header):
    lab.kind.value, lab.transfer_syntax.value = kind, syntax
    lab.multipart.value, lab.quoted.value, lab.quality.value = multipart, quoted, quality
    assert lab.accept.value == header
    assert build_accept(kind, syntax, multipart, quoted, quality) == header


def test_header_that_was_built_is_sent_and_its_answer_added(lab):
    lab.kind.value = "application/octet-stream"
    lab.send_button.click()
    assert len(lab.attempts) == 4
    assert lab.attempts[3].content == "raw samples, 512 x 600"
    assert numpy.array_equal(lab.attempts[3].pixels, HEADER.pixel_array)


def test_header_may_be_typed_and_sent_with_enter(lab):
    lab.accept.value = "image/gif"
    press_enter(lab.accept)
    assert lab.attempts[-1].accept == "image/gif"
    assert lab.attempts[-1].response.status_code == 406


def test_clear_empties_the_table_and_compare_fills_it_again(lab):
    lab.clear_button.click()
    assert lab.attempts == []
    assert "image/jpeg" not in lab.table.value
    lab.compare_button.click()
    assert len(lab.attempts) == 3


def test_function_makes_the_table_that_the_lab_shows(lab, server, capsys):
    table = compare_accepts(server, FRAME)
    assert table["accept"].tolist() == list(SPELLINGS)
    shown = [tried.row for tried in lab.attempts]
    # A boundary is as long as any other, so even the sizes are equal.
    assert [tuple(row) for row in table.itertuples(index=False)] == shown
    assert capsys.readouterr().out == f"GET /dicomweb/{FRAME}\n"


def test_resource_may_be_a_whole_url(lab, server):
    table = compare_accepts(server, f"{server.dicomweb}/{FRAME}")
    assert_series_equal(table["status"], compare_accepts(server, FRAME)["status"])


@pytest.mark.parametrize("make", [AcceptLab, compare_accepts])
def test_resource_of_another_server_is_refused_before_the_key_is_sent(make, server):
    host, _, _ = server.dicomweb.rpartition(":")
    elsewhere = (
        "http://pacs.example/dicomweb/studies",
        f"{host}:1/dicomweb/studies",
        f"{server.dicomweb}.example/studies",
        server.dicomweb.replace("/dicomweb", "/other/studies"),
        "http://ann:s3cret@pacs.example/dicomweb/studies?apikey=s3cret",
    )
    for url in elsewhere:
        with pytest.raises(WorkbookError, match="belongs to another server") as caught:
            make(server, url)
        assert "s3cret" not in str(caught.value)


def test_rendered_picture_is_shown_too(server):
    lab = AcceptLab(server, f"{INSTANCE}/rendered")
    lab.kind.value, lab.multipart.value = "image/png", False
    lab.send_button.click()
    assert lab.attempts[-1].content == "PNG, 512 x 600"
    assert "<img alt='PNG, 512 x 600'" in lab.table.value


def thumbnail(lab):
    """Return the last picture of the table."""
    encoded = re.findall("src='data:image/png;base64,([^']*)'", lab.table.value)[-1]
    return numpy.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("L"), int)


@pytest.mark.parametrize(
    ("resource", "kind", "multipart"),
    [("frames/1", "application/octet-stream", True), ("rendered", "image/png", False)],
)
def test_thumbnail_is_as_bright_as_the_rendered_picture(odd_images, resource, kind, multipart):
    images, server = odd_images
    lab = AcceptLab(server, f"{path_to(images['8 bits'])}/{resource}")
    lab.kind.value, lab.multipart.value = kind, multipart
    lab.send()
    assert lab.attempts[-1].error is None
    # MONOCHROME1: white on the left, where the values are least.
    expected = numpy.linspace(255, 0, 80)
    assert (
        abs(thumbnail(lab)[30].astype(int)[[0, 25, 50, -1]] - expected[[0, 20, 40, -1]]).max() < 9
    )


def test_thumbnail_of_a_palette_has_its_colours(odd_images):
    images, server = odd_images
    lab = AcceptLab(server, f"{path_to(images['long palette'])}/frames/1")
    lab.clear()
    lab.send()
    [tried] = lab.attempts
    assert tried.error is None
    colours = apply_color_lut(images["long palette"].pixel_array, images["long palette"]) >> 8
    assert numpy.array_equal(tried.pixels, colours)
    assert "<img alt='raw samples, 80 x 60'" in lab.table.value


def test_code_sends_the_header_that_was_built(lab, server):
    lab.kind.value = "image/jls"
    code = lab.python.value
    response = run_code(code.replace("show(response)", ""), server)["response"]
    assert response.request.headers["Accept"] == 'multipart/related; type="image/jls"'
    assert response.url == f"{server.dicomweb}/{FRAME}"


def test_server_that_is_gone_is_a_sentence_in_place(nobody):
    lab = AcceptLab(nobody, FRAME)
    assert "no server listens on that port" in lab.status.value
    assert lab.table.value.count("no answer") == 3
    assert compare_accepts(nobody, FRAME)["status"].tolist() == ["no answer"] * 3


def test_no_secret_reaches_the_lab(locked_out):
    lab = AcceptLab(locked_out, FRAME)
    assert [tried.response.status_code for tried in lab.attempts] == [401] * 3
    assert "my personal secret" not in everything_in(lab)


def test_static_picture_is_the_table(lab):
    picture = lab.static()
    assert "<img alt='JPEG Lossless" in picture["text/html"]
    assert "type=image/dicom+jpeg | 200 | 1 x image/jpeg" in picture["text/plain"]


def test_server_that_refuses_all_is_told_in_one_sentence():
    with saying(b"HTTP/1.1 406 Not Acceptable\r\nContent-Length: 0\r\n\r\n") as url:
        lab = AcceptLab(Server("json only", url, None), FRAME)
    assert "This server gives none of them." in lab.status.value
    assert "alert" not in lab.status.value
    assert [tried.response.status_code for tried in lab.attempts] == [406, 406, 406]
