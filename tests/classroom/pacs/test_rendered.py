"""Rendered pictures and thumbnails over HTTP; what is in them is test_render's."""

from io import BytesIO

import numpy
import pytest
from PIL import Image

from tests.archive import FILES, JOE
from tests.classroom.pacs.wire import names

JOE_1 = names(JOE[0])
ANDY, SLICE, REPORT = (
    names(path)
    for path in FILES
    if path.name in ("US001_0001.dcm", "CT002_0010.dcm", "SR091_0001.dcm")
)


def pixels(response):
    return numpy.asarray(picture(response))


def picture(response):
    assert response.status_code == 200, response.text
    found = Image.open(BytesIO(response.content))
    assert response.headers["Content-Type"] == f"image/{found.format.lower()}"
    assert int(response.headers["Content-Length"]) == len(response.content)
    return found


@pytest.mark.parametrize("resource", ["/rendered", "/frames/1/rendered", "/rendered/"])
@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "JPEG"),
        ("image/jpeg", "JPEG"),
        ("image/png", "PNG"),
        ("image/*", "JPEG"),
        ("image/png, image/jpeg;q=0.5", "PNG"),
        ("text/html, image/avif, image/webp, image/png, */*;q=0.8", "PNG"),
    ],
)
def test_frame_is_rendered_as_the_type_asked_for(get, resource, accept, kind):
    found = picture(get(JOE_1.instance + resource, accept))
    assert found.format == kind
    assert found.size == (JOE_1.dataset.Columns, JOE_1.dataset.Rows)


def test_window_changes_the_picture(get):
    path = SLICE.instance + "/rendered"
    texts = ["", "?window=-600,1500,linear", "?window=40,400,sigmoid"]
    pictures = [get(path + text, "image/png").content for text in texts]
    assert len(set(pictures)) == len(texts)


def test_own_window_is_the_default(get):
    path = SLICE.instance + "/rendered"
    center, width = SLICE.dataset.WindowCenter[0], SLICE.dataset.WindowWidth[0]
    own = get(f"{path}?window={center},{width},linear", "image/png").content
    assert own == get(path, "image/png").content


def test_viewport_is_filled_in_proportion(get):
    found = picture(get(JOE_1.instance + "/rendered?viewport=200,100"))
    columns, rows = JOE_1.dataset.Columns, JOE_1.dataset.Rows
    assert found.height == 100 and found.width == round(100 * columns / rows)


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("16,32,100,50", numpy.s_[32:82, 16:116]),
        ("-16,-32,100,50", numpy.s_[32:82, 16:116]),
        (",,100,50", numpy.s_[:50, :100]),
        ("412,550", numpy.s_[550:, 412:]),
        ("412", numpy.s_[:, 412:]),
        (",500", numpy.s_[500:, :]),
        ("16,32,-100,50", numpy.s_[32:82, 115:15:-1]),
        ("0,0,512,-600", numpy.s_[::-1, :]),
        ("0.4,,99.7,50", numpy.s_[:50, :100]),
    ],
)
def test_viewport_may_show_a_region_turned_round(get, region, expected):
    whole = pixels(get(JOE_1.instance + "/rendered", "image/png"))
    cut = whole[expected]
    rows, columns = cut.shape
    path = f"{JOE_1.instance}/rendered?viewport={columns},{rows},{region}"
    assert numpy.array_equal(pixels(get(path, "image/png")), cut)
    larger = get(path.replace(f"{columns},{rows}", "300,300"), "image/png")
    assert max(pixels(larger).shape) == 300


def test_quality_sets_the_size_of_a_jpeg(get):
    path = SLICE.instance + "/rendered?quality="
    sizes = [len(get(path + quality).content) for quality in ("10", "90")]
    assert sizes[0] < sizes[1]


def test_frames_of_a_cine_are_rendered_one_by_one(get):
    pictures = {get(f"{ANDY.instance}/frames/{n}/rendered").content for n in (1, 12, 24)}
    assert len(pictures) == 3
    assert picture(get(f"{ANDY.instance}/frames/24/rendered")).mode == "RGB"


@pytest.mark.parametrize(
    "path",
    [
        ANDY.instance + "/thumbnail",
        ANDY.instance + "/frames/2/thumbnail",
        SLICE.series + "/thumbnail",
        SLICE.study + "/thumbnail",
    ],
)
def test_thumbnail_is_small(get, path):
    assert max(picture(get(path)).size) == 128
    assert picture(get(path, "image/png")).format == "PNG"
    assert max(picture(get(path + "?viewport=64,64")).size) == 64


def test_thumbnail_of_a_series_is_that_of_its_middle_image(get):
    middle = names(next(path for path in FILES if path.name == "CT002_0017.dcm"))
    thumbnail = get(middle.instance + "/thumbnail").content
    assert thumbnail == get(SLICE.series + "/thumbnail").content
    assert thumbnail == get(SLICE.study + "/thumbnail").content


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("window=1", "window"),
        ("window=a,b", "window"),
        ("window=40,400", "window=40,400 is not possible"),
        ("window=40,400,", "window"),
        ("window=40,,linear", "window"),
        ("window=40,400,5,linear", "window"),
        ("window=40,400,cubic", "window"),
        ("window=40,nan,linear", "window"),
        ("window=40,0,linear", ""),
        ("viewport=0,0", "viewport"),
        ("viewport=100", "viewport"),
        ("viewport=1e9,1e9", "viewport"),
        ("viewport=99999,99999", "viewport"),
        ("viewport=100,100,", "viewport"),
        ("viewport=100,100,0,0,10,10,10", "viewport"),
        ("viewport=100,100,0,0,x,10", "viewport"),
        ("viewport=100,100,0,0,0,10", "width of this image is 512"),
        ("viewport=100,100,0,600", "height of this image is 600"),
        ("viewport=100,100,500,0,13", "width of this image is 512"),
        ("quality=0", "quality"),
        ("quality=101", "quality"),
        ("quality=high", "quality"),
        ("window=40,400,linear&window=50,500,linear", "window is there 2 times"),
    ],
)
def test_option_that_makes_no_sense_is_a_400(problem, query, word):
    assert word in problem(400, f"{JOE_1.instance}/rendered?{query}")["detail"]


def test_thumbnail_has_no_region(problem):
    path = f"{JOE_1.instance}/thumbnail?viewport=100,100,0,0,10,10"
    assert problem(400, path)["hint"] == "Send width,height."


@pytest.mark.parametrize("resource", ["", "/rendered", "/thumbnail", "/metadata", "/frames/1"])
def test_parameter_that_is_not_supported_is_ignored_with_a_warning(get, resource):
    path = JOE_1.instance + resource
    response, plain = get(f"{path}?windowCenter=40&charset=utf-8"), get(path)
    assert (response.status_code, len(response.content)) == (200, len(plain.content))
    assert "ignored: windowCenter" in response.headers["Warning"]
    assert "Warning" not in plain.headers


def test_window_of_an_unknown_function_is_refused_with_those_that_would_do(problem):
    body = problem(400, f"{JOE_1.instance}/rendered?window=40,400,LINEAR")
    assert body["hint"].endswith("The function is one of linear, linear-exact, sigmoid.")


@pytest.mark.parametrize(
    ("status", "path"),
    [
        (400, JOE_1.instance + "/frames/0/rendered"),
        (404, JOE_1.instance + "/frames/2/rendered"),
        (400, ANDY.instance + "/frames/1,2/rendered"),
        (404, REPORT.instance + "/rendered"),
        (404, REPORT.series + "/thumbnail"),
    ],
)
def test_frame_that_is_not_there_is_not_drawn(problem, status, path):
    problem(status, path)


@pytest.mark.parametrize("accept", ["image/gif", "application/dicom", "application/json"])
def test_other_types_are_refused_with_those_that_would_do(problem, accept):
    body = problem(406, JOE_1.instance + "/rendered", accept)
    assert body["acceptable"] == ["image/jpeg", "image/png"]
