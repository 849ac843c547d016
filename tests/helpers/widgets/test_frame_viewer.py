"""The viewer: instances, frames, window, zoom, cine."""

import io
import threading

import numpy
import pandas
import pydicom
import pytest
import requests
from PIL import Image
from pydicom.pixels import apply_color_lut

from helpers import FrameViewer, view_frame
from helpers.errors import AttributeProblem, HTTPProblem, ServerUnreachable, WorkbookError
from helpers.files.__main__ import store_instances
from helpers.pixels.lookup_tables import TABLES
from helpers.queries import metadata as fetching
from helpers.queries.request import GetRequest
from helpers.widgets.frame_source import FrameSource
from tests.archive import FOLDER, RAVI
from tests.helpers.synthetic import palette, write_image
from tests.helpers.widgets.looking import everything_in, run_code
from tests.peers.orthanc import orthanc_for_a_test

CT = sorted(
    (pydicom.dcmread(path) for path in RAVI if path.name.startswith("CT")),
    key=lambda dataset: dataset.InstanceNumber,
)
ANDY = pydicom.dcmread(FOLDER / "andy" / "US001_0001.dcm")
MAMMOGRAM = pydicom.dcmread(FOLDER / "sally_mg" / "MG001_0001.dcm")
STUDY = CT[0].StudyInstanceUID
WORKERS = 2


@pytest.fixture
def viewer(server):
    made = FrameViewer(server, STUDY)
    yield made
    made.close()


@pytest.fixture
def film(server):
    made = FrameViewer(server, ANDY.StudyInstanceUID)
    yield made
    made.close()


@pytest.fixture
def odd(odd_images):
    """Return a viewer of the images that the archive lacks."""
    images, server = odd_images
    made = FrameViewer(server, images["palette"].StudyInstanceUID)
    yield made
    made.close()


def go_to(viewer, image):
    viewer.image = int(image.InstanceNumber)


def on_screen(viewer):
    """Return the picture of the viewer; tests/browser compares it with that of the browser."""
    return viewer.picture()


def said(viewer):
    """Return what the viewer says about its picture."""
    return viewer.static()["text/plain"]


def path_of(viewer):
    """Return the path of the request whose answer is shown."""
    return viewer.source.build_request(*viewer.key).prepared.path_url


def sent_for(viewer, keys, monkeypatch):
    """Let the browser ask for frames; return what it is sent, headers and buffers."""
    sent = []

    def send(content, buffers=None):
        sent.append((content, buffers))

    monkeypatch.setattr(viewer, "send", send)
    viewer._handle_custom_msg({"frames": [list(key) for key in keys]}, [])
    return sent


def uids(dataset):
    return {
        "study_uid": dataset.StudyInstanceUID,
        "series_uid": dataset.SeriesInstanceUID,
        "instance_uid": dataset.SOPInstanceUID,
    }


def keys_of(images):
    return [(image.SeriesInstanceUID, image.SOPInstanceUID, 1) for image in images]


def kept_of(source):
    """Return the keys of the frames that a source keeps or fetches, the last wanted last."""
    return [key for owner, key in source._frames if owner is source]


def wait_for_prefetches(source):
    for key in kept_of(source):
        source._frames[source, key].result(10)


def test_images_come_in_order_and_reports_stay_out(viewer):
    assert len(viewer.shown) == 32
    assert viewer.images["SOPInstanceUID"].tolist() == [image.SOPInstanceUID for image in CT]
    assert viewer.images["Modality"].unique().tolist() == ["CT"]


def test_each_step_shows_the_pixels_of_that_instance(viewer):
    for number in (1, 2, 17, 32):
        viewer.image = number
        assert numpy.array_equal(viewer.shot.pixels, CT[number - 1].pixel_array)
        assert said(viewer).startswith(f"Image {number} of 32")


def test_window_of_the_file_is_the_first(viewer):
    assert viewer.window == "file"
    assert (viewer.center, viewer.width) == (40, 400)


@pytest.mark.parametrize(
    ("name", "center", "width"),
    [("lung", -600, 1500), ("mediastinum", 40, 400), ("bone", 400, 1800)],
)
def test_presets_set_centre_and_width(viewer, name, center, width):
    viewer.window = name
    assert (viewer.center, viewer.width) == (center, width)
    assert f"window {center}/{width}" in said(viewer)


def test_preset_stays_from_image_to_image(viewer):
    viewer.window = "lung"
    viewer.image = 9
    assert (viewer.window, viewer.center) == ("lung", -600)


def test_invert_makes_black_white(viewer):
    before = numpy.asarray(on_screen(viewer))
    viewer.invert = True
    assert numpy.array_equal(numpy.asarray(on_screen(viewer)), 255 - before)
    assert "inverted" in said(viewer)


def test_each_frame_of_a_film_is_shown(film):
    frames = ANDY.pixel_array
    for number in (1, 2, 24):
        film.frame = number
        # A JPEG decoded by two libraries differs by roundings.
        assert abs(film.shot.pixels.astype(int) - frames[number - 1]).mean() < 2
        assert f"frame {number} of 24" in said(film)
    assert path_of(film).endswith("/frames/24")


@pytest.mark.parametrize("name", ["palette", "long palette", "segments"])
def test_palette_is_shown_in_its_colours(odd, odd_images, name):
    image = odd_images[0][name]
    go_to(odd, image)
    assert odd.error is None
    colours = (apply_color_lut(image.pixel_array, image) >> 8).astype("u1")
    assert numpy.array_equal(odd.shot.pixels, colours)
    shown = Image.fromarray(colours).resize((512, 384), Image.BILINEAR)
    assert numpy.array_equal(numpy.asarray(on_screen(odd)), numpy.asarray(shown))
    assert odd.windows == []


def test_palette_is_fetched_from_orthanc_too(tmp_path):
    pixels = numpy.arange(60 * 80, dtype="u2").reshape(60, 80)
    image = write_image(tmp_path / "1.dcm", pixels, **palette(4096))
    with orthanc_for_a_test() as server:
        store_instances([tmp_path / "1.dcm"], server)
        viewer = FrameViewer(server, image.StudyInstanceUID)
        assert numpy.array_equal(viewer.shot.pixels, apply_color_lut(pixels, image) >> 8)
        viewer.close()


@pytest.mark.parametrize("name", ["palette", "long palette"])
def test_code_and_function_show_the_same_colours(odd, odd_images, name, capsys):
    images, server = odd_images
    go_to(odd, images[name])
    names = run_code(odd.code, server)
    assert numpy.array_equal(names["pixels"], odd.shot.pixels)
    assert said(odd).endswith(capsys.readouterr().out.strip().split()[-1])
    drawn = view_frame(server, **uids(images[name]))
    assert numpy.array_equal(numpy.asarray(drawn), numpy.asarray(on_screen(odd)))


def test_attribute_without_a_value_is_as_one_that_is_not_there(server, monkeypatch):
    read = fetching.datasets

    def emptied(response):
        [dataset] = read(response)
        for keyword in ("RescaleSlope", "RescaleIntercept", "WindowCenter", "SamplesPerPixel"):
            setattr(dataset, keyword, None)
        return [dataset]

    monkeypatch.setattr(fetching, "datasets", emptied)
    viewer = FrameViewer(server, STUDY)
    assert numpy.array_equal(viewer.shot.values, viewer.shot.pixels)
    assert viewer.windows == ["full range"]  # without a rescale, no Hounsfield units
    viewer.close()


def test_palette_may_be_where_a_relative_link_points(odd_images, monkeypatch):
    images, server = odd_images
    links = {
        f"0028120{digit}": {"vr": "OW", "BulkDataURI": f"bulkdata/0028120{digit}"}
        for digit in (1, 2, 3)
    }
    monkeypatch.setattr(fetching, "records", lambda response: [links])
    image = images["long palette"]
    source = FrameSource(server, image.StudyInstanceUID)
    path = source.instance_path(image.SeriesInstanceUID, image.SOPInstanceUID)
    fetched = fetching.fetch_metadata(server, path)
    for name in TABLES:
        assert fetched[name].value == image[name].value


def test_palette_on_another_server_is_refused_before_the_key_is_sent(odd_images, monkeypatch):
    images, server = odd_images
    elsewhere = {"00281201": {"vr": "OW", "BulkDataURI": "http://pacs.example/dicomweb/bulk/1"}}
    monkeypatch.setattr(fetching, "records", lambda response: [elsewhere])
    with pytest.raises(WorkbookError, match="belongs to another server"):
        view_frame(server, **uids(images["long palette"]))


def test_window_of_the_file_comes_back_with_the_next_image_that_has_one(odd, odd_images):
    go_to(odd, odd_images[0]["high pixels"])
    assert odd.windows == ["full range"]
    go_to(odd, odd_images[0]["enhanced"])
    assert odd.windows == ["file", "full range"]
    # Nobody chose the full range: the image before had nothing else.
    assert odd.window == "file"


def test_viewer_that_is_closed_fetches_no_more(server, monkeypatch):
    viewer = FrameViewer(server, STUDY)
    release = threading.Event()
    asked = []

    def wait(*key):
        asked.append(key)
        assert release.wait(10)

    wait_for_prefetches(viewer.source)
    monkeypatch.setattr(viewer.source, "load", wait)
    viewer.source.prefetch(keys_of(CT[20:]))
    viewer.close()
    release.set()
    # What waits behind them comes when they are done.
    other = FrameSource(server, STUDY)
    other.prefetch(keys_of(CT[:1]))
    wait_for_prefetches(other)
    assert len(asked) <= WORKERS
    assert kept_of(viewer.source) == []


def test_back_from_colour_there_is_a_window_again(odd, odd_images):
    go_to(odd, odd_images[0]["palette"])
    go_to(odd, odd_images[0]["high pixels"])
    assert odd.windows == ["full range"]
    assert odd.window == "full range"


def test_pixels_that_are_no_squares_keep_their_shape(odd, odd_images, capsys):
    images, server = odd_images
    go_to(odd, images["high pixels"])
    # 60 rows of 1.5 mm, 80 columns of 0.75 mm.
    assert on_screen(odd).size == (round(512 * 60 / 90), 512)
    ax = run_code(odd.code, server)["ax"]
    ax.figure.canvas.draw()
    box = ax.get_window_extent()
    assert box.height / box.width == pytest.approx(1.5, rel=0.01)
    assert view_frame(server, **uids(images["high pixels"])).size == on_screen(odd).size
    capsys.readouterr()


def test_code_shows_white_where_the_viewer_does(odd, odd_images, capsys):
    images, server = odd_images
    go_to(odd, images["high pixels"])
    for invert in (False, True):
        odd.invert = invert
        ax = run_code(odd.code, server)["ax"]
        first = ax.images[0].cmap(ax.images[0].norm(odd.shot.values[0, 0]))[0] * 255
        assert first == pytest.approx(on_screen(odd).getpixel((0, 0)), abs=2)
    capsys.readouterr()


@pytest.mark.parametrize(("number", "slope", "center"), [(1, 1, 1000), (2, 2, 3000)])
def test_frame_of_an_enhanced_image_has_its_own_rescale_and_window(
    odd, odd_images, number, slope, center, capsys
):
    images, server = odd_images
    go_to(odd, images["enhanced"])
    odd.frame = number
    stored = images["enhanced"].pixel_array[number - 1]
    assert numpy.array_equal(odd.shot.values, stored * slope - 100.0)
    assert (odd.window, odd.center, odd.width) == ("file", center, 1000)
    assert on_screen(odd).size == (512, 192)  # 80 columns of 1 mm, 60 rows of half a millimetre
    names = run_code(odd.code, server)
    assert numpy.array_equal(names["values"], odd.shot.values)
    names["ax"].figure.canvas.draw()
    box = names["ax"].get_window_extent()
    assert box.height / box.width == pytest.approx(60 * 0.5 / 80, rel=0.01)
    assert said(odd).endswith(capsys.readouterr().out.strip().split()[-1])
    rendered = requests.get(
        f"{server.dicomweb}/{odd.source.instance_path(*odd.key[:2])}/frames/{number}/rendered",
        headers={**server.headers, "Accept": "image/png"},
    )
    expected = Image.open(io.BytesIO(rendered.content)).resize((512, 192), Image.BILINEAR)
    assert abs(numpy.asarray(on_screen(odd), int) - numpy.asarray(expected, int)).max() <= 1


def test_frame_keeps_its_window_when_the_next_is_fetched(odd, odd_images):
    go_to(odd, odd_images[0]["enhanced"])
    before = on_screen(odd).tobytes()
    wait_for_prefetches(odd.source)
    assert odd.shot.dataset.WindowCenter == 1000
    assert on_screen(odd).tobytes() == before


def test_code_says_that_it_draws_no_curve(viewer):
    assert "curve" not in viewer.code
    viewer.shot.dataset.VOILUTFunction = "SIGMOID"
    viewer.invert = True
    assert "# The file asks for the curve SIGMOID; this draws a line." in viewer.code


def test_presets_of_ct_are_not_offered_for_a_mammogram(server):
    viewer = FrameViewer(server, MAMMOGRAM.StudyInstanceUID)
    assert viewer.windows == ["file", "full range"]


def test_series_can_be_chosen(server):
    study = pydicom.dcmread(FOLDER / "sally_mr" / "MR003_0001.dcm").StudyInstanceUID
    viewer = FrameViewer(server, study)
    uids = viewer.images["SeriesInstanceUID"].unique()
    for uid in uids:
        viewer.series_uid = uid
        assert viewer.image == 1
        assert viewer.shot.dataset.SeriesInstanceUID == uid


def test_next_frames_are_fetched_before_they_are_asked_for(viewer, monkeypatch):
    wait_for_prefetches(viewer.source)
    monkeypatch.setattr(viewer.source, "load", lambda *key: pytest.fail(f"asked late for {key}"))
    monkeypatch.setattr(viewer.source, "prefetch", lambda keys: None)
    for number in range(2, 8):
        viewer.image = number
        assert int(viewer.shot.dataset.InstanceNumber) == number


def test_frames_that_were_not_wanted_for_long_are_let_go(server, monkeypatch):
    one = CT[0].pixel_array.size * (2 + 8)  # stored values, and what they mean
    monkeypatch.setattr("helpers.widgets.frame_source.KEPT_BYTES", 3 * one)
    source = FrameSource(server, STUDY)
    # The one that is wanted a second time stays.
    for image in (*CT[:6], CT[3], CT[6]):
        source.get((image.SeriesInstanceUID, image.SOPInstanceUID, 1))
    assert kept_of(source) == keys_of((CT[5], CT[3], CT[6]))


def test_attributes_of_an_image_are_asked_for_once(server, monkeypatch):
    asked, send = [], GetRequest.send
    monkeypatch.setattr(
        GetRequest, "send", lambda self, session: asked.append(self.path) or send(self, session)
    )
    source = FrameSource(server, ANDY.StudyInstanceUID)
    for number in (1, 2, 3):
        source.get((ANDY.SeriesInstanceUID, ANDY.SOPInstanceUID, number))
    source.close()
    assert [path.rpartition("/")[2] for path in asked] == ["metadata", "1", "2", "3"]


def test_viewers_of_a_cell_that_is_run_again_share_their_memory_and_threads(server, monkeypatch):
    one = CT[0].pixel_array.size * (2 + 8)  # stored values, and what they mean
    monkeypatch.setattr("helpers.widgets.frame_source.KEPT_BYTES", 3 * one)
    sources = [FrameSource(server, STUDY) for _ in range(4)]
    for source in sources:
        source.prefetch(keys_of(CT[:6]))
        wait_for_prefetches(source)
        source.get(*keys_of(CT[5:6]))
    assert [kept_of(source) for source in sources] == [[], [], [], keys_of(CT[3:6])]
    workers = [thread for thread in threading.enumerate() if thread.name.startswith("frames")]
    assert len(workers) <= WORKERS


def test_step_to_another_place_does_not_wait_for_what_was_fetched_ahead(server, monkeypatch):
    source = FrameSource(server, STUDY)
    busy, release, asked = threading.Semaphore(0), threading.Event(), []

    def load_late(*key):
        asked.append(key)
        if key in ahead:
            busy.release()
            assert release.wait(10)
        return load(*key)

    ahead, load = keys_of(CT[1:7]), source.load
    monkeypatch.setattr(source, "load", load_late)
    source.prefetch(ahead)
    for _ in range(WORKERS):
        assert busy.acquire(timeout=10)
    [far] = keys_of(CT[30:31])
    assert source.get(far).dataset.SOPInstanceUID == CT[30].SOPInstanceUID
    release.set()
    # Nor is it fetched later, when nobody wants it any more.
    wait_for_prefetches(source)
    assert sorted(asked) == sorted([*ahead[:WORKERS], far])


@pytest.mark.parametrize("window", ["file", "lung", "full range"])
def test_function_draws_what_the_viewer_shows(viewer, server, window, capsys):
    viewer.image = 16
    viewer.window, viewer.invert, viewer.zoom = window, True, 1.5
    drawn = view_frame(server, **uids(CT[15]), window=window, invert=True, zoom=1.5)
    assert numpy.array_equal(numpy.asarray(drawn), numpy.asarray(on_screen(viewer)))
    printed = capsys.readouterr().out.strip().removeprefix("GET ")
    assert printed.endswith("/frames/1")
    assert printed == path_of(viewer)


def test_code_fetches_the_same_pixels(viewer, film, server, capsys):
    names = run_code(viewer.code, server)
    assert numpy.array_equal(names["values"], viewer.shot.values)
    line = capsys.readouterr().out.strip()
    assert line.split()[-1] == said(viewer).split()[-1]
    film.frame = 5
    assert numpy.array_equal(run_code(film.code, server)["pixels"], film.shot.pixels)


def test_study_that_is_not_there_is_a_sentence_in_place(server):
    viewer = FrameViewer(server, "1.2.3")
    assert isinstance(viewer.error, HTTPProblem)
    assert "There is no study 1.2.3" in viewer.message
    assert viewer.static()["text/plain"] == str(viewer.error)


@pytest.mark.parametrize("uids", [("..", "1.2"), ("1.2", "1.2/..")])
def test_what_is_no_uid_becomes_no_part_of_a_url(nobody, uids):
    with pytest.raises(AttributeProblem, match="InstanceUID is malformed"):
        FrameSource(nobody, "1.2").load(*uids, 1)
    with pytest.raises(AttributeProblem, match="StudyInstanceUID is malformed"):
        FrameSource(nobody, "..").list_images()


def test_server_that_is_gone_is_a_sentence_in_place(nobody):
    viewer = FrameViewer(nobody, STUDY)
    assert isinstance(viewer.error, ServerUnreachable)
    assert "no server listens on that port" in viewer.message
    with pytest.raises(ServerUnreachable):
        view_frame(nobody, **uids(CT[0]))


def test_no_control_does_harm_when_nothing_is_shown(nobody):
    viewer = FrameViewer(nobody, STUDY)
    viewer.zoom, viewer.invert, viewer.center, viewer.image = 2, True, 7, 3
    assert viewer.shot is None


def test_frame_that_fails_leaves_no_other_picture_and_can_be_tried_again(viewer, monkeypatch):
    def fail(*key):
        raise WorkbookError("Out of order.")

    with monkeypatch.context() as patched:
        patched.setattr(viewer.source, "load", fail)
        viewer.image = 30
        assert "Out of order." in viewer.message
        assert viewer.shot is None
    viewer.image = 1
    viewer.image = 30
    assert viewer.error is None
    assert int(viewer.shot.dataset.InstanceNumber) == 30


def test_frame_whose_prefetch_failed_is_asked_for_again(viewer, monkeypatch):
    def fail(*key):
        raise WorkbookError("Out of order.")

    [key] = keys_of(CT[19:20])
    with monkeypatch.context() as patched:
        patched.setattr(viewer.source, "load", fail)
        viewer.source.prefetch([key])
        assert isinstance(viewer.source._frames[viewer.source, key].exception(10), WorkbookError)
    viewer.image = 20
    assert viewer.error is None
    assert int(viewer.shot.dataset.InstanceNumber) == 20


def test_answer_without_a_part_is_a_sentence_in_place(viewer, monkeypatch):
    monkeypatch.setattr("helpers.queries.metadata.parts", lambda response: [])
    viewer.image = 30
    assert "The answer holds nothing" in viewer.message
    assert "200 OK, and no part" in viewer.message


def test_metadata_without_a_data_set_is_a_sentence_in_place(viewer, monkeypatch):
    monkeypatch.setattr("helpers.queries.metadata.datasets", lambda response: [])
    viewer.image = 30
    assert "no attributes of this instance" in viewer.message


@pytest.mark.parametrize("place", [{"zoom": 0.5}, {"zoom": 2, "at": (0.5, 2)}])
def test_place_outside_of_the_image_is_explained(server, place):
    with pytest.raises(WorkbookError, match="Nobody can look there"):
        view_frame(server, **uids(CT[0]), **place)


def test_window_that_does_not_exist_is_explained(server):
    with pytest.raises(WorkbookError, match="no such window") as caught:
        view_frame(server, **uids(CT[0]), window="lungs")
    assert "lung, mediastinum, bone" in caught.value.expected


def test_study_without_images_is_a_sentence_in_place(server, monkeypatch):
    monkeypatch.setattr(
        "helpers.queries.instances.tabulate",
        lambda response, names: pandas.DataFrame(columns=names),
    )
    viewer = FrameViewer(server, STUDY)
    assert "There is no image to show" in viewer.message


def test_no_secret_reaches_the_viewer(locked_out):
    viewer = FrameViewer(locked_out, STUDY)
    assert "401" in viewer.message
    assert "my personal secret" not in everything_in(viewer)


def test_static_picture_is_what_is_on_the_screen(viewer):
    picture = viewer.static()
    shown = numpy.asarray(Image.open(io.BytesIO(picture["image/png"])))
    screen = numpy.asarray(on_screen(viewer))
    rows = len(screen)
    assert numpy.array_equal(shown[:rows], screen)
    assert picture["text/plain"] == said(viewer)


def test_static_picture_has_its_words_below_it(viewer):
    # All that stays on a code host is this picture: HTML with pictures is often taken out there.
    assert "text/html" not in viewer.static()
    shown = Image.open(io.BytesIO(viewer.static()["image/png"]))
    caption = numpy.asarray(shown)[on_screen(viewer).height :]
    assert caption.min() < 50 and (caption == 255).mean() > 0.7
    viewer.invert = True
    other = Image.open(io.BytesIO(viewer.static()["image/png"]))
    assert other.size[1] >= shown.size[1]
    assert not numpy.array_equal(numpy.asarray(other)[on_screen(viewer).height :], caption)


def test_numbers_that_are_none_keep_no_image_from_being_listed(server, monkeypatch):
    images = [{"SOPInstanceUID": f"1.{n}", "Rows": 2, "SeriesNumber": ""} for n in range(3)]
    for image, number, frames in zip(images, ("12 ", "1, 2", 3), (0, "two", 24), strict=True):
        image.update(InstanceNumber=number, NumberOfFrames=frames)
    monkeypatch.setattr(
        "helpers.queries.instances.tabulate",
        lambda response, names: pandas.DataFrame(images, columns=names),
    )
    listed = FrameSource(server, STUDY).list_images()
    assert listed["InstanceNumber"].tolist() == [0, 3, 12]
    assert listed["NumberOfFrames"].tolist() == [1, 24, 1]


def test_server_that_gives_a_few_instances_at_a_time(server, monkeypatch):
    ask = requests.Session.request
    asked = []

    def ask_for_ten(session, method, url, params, **options):
        if url.endswith("/instances"):
            asked.append(params.get("offset"))
            params = {**params, "limit": "10"}
        return ask(session, method, url, params=params, **options)

    monkeypatch.setattr(requests.Session, "request", ask_for_ten)
    images = FrameSource(server, STUDY).list_images()
    assert list(images["SOPInstanceUID"]) == [image.SOPInstanceUID for image in CT]
    assert asked == [None, "10", "20", "30"]


def test_server_that_ignores_the_offset_is_not_asked_for_ever(server, monkeypatch):
    ask = requests.Session.request
    asked = []

    def ask_for_the_first_ten(session, method, url, params, **options):
        asked.append(params.pop("offset", None))
        assert len(asked) < 5
        return ask(session, method, url, params={**params, "limit": "10"}, **options)

    monkeypatch.setattr(requests.Session, "request", ask_for_the_first_ten)
    images = FrameSource(server, STUDY).list_images()
    assert list(images["SOPInstanceUID"]) == [image.SOPInstanceUID for image in CT[:10]]
    assert asked == [None, "10"]


def test_numbers_that_are_set_are_a_window_of_ones_own(viewer):
    before = numpy.asarray(on_screen(viewer))
    viewer.center = 300
    assert viewer.window == "my own"
    assert not numpy.array_equal(numpy.asarray(on_screen(viewer)), before)
    viewer.image = 2
    assert (viewer.window, viewer.center) == ("my own", 300)
    viewer.window = "file"
    assert viewer.center == 40


def test_all_windows_of_a_file_are_offered_by_their_names(viewer):
    labels = [window["label"] for window in viewer.first["windows"]]
    assert labels[:2] == ["file: MEDIASTINUM", "file: LUNG"]
    assert viewer.windows == ["file", "file: LUNG", "lung", "mediastinum", "bone", "full range"]
    viewer.window = "file: LUNG"
    assert [viewer.center, viewer.width] == [CT[0].WindowCenter[1], CT[0].WindowWidth[1]]


@pytest.mark.parametrize(
    ("kind", "rescale_type", "has_units"),
    [
        ("AXIAL", "HU", True),
        ("AXIAL", None, True),
        ("LOCALIZER", None, False),
        ("AXIAL", "US", False),
    ],
)
def test_presets_are_offered_only_for_hounsfield_units(
    server, monkeypatch, kind, rescale_type, has_units
):
    read = fetching.datasets

    def changed(response):
        [dataset] = read(response)
        dataset.ImageType = ["ORIGINAL", "PRIMARY", kind]
        dataset.RescaleType = rescale_type
        return [dataset]

    monkeypatch.setattr(fetching, "datasets", changed)
    viewer = FrameViewer(server, STUDY)
    assert ("lung" in viewer.windows) == has_units
    assert (viewer.first["unit"] == "HU") == has_units
    viewer.close()


def test_viewer_begins_where_it_is_told(server):
    image = CT[16]
    viewer = FrameViewer(
        server, STUDY, image.SeriesInstanceUID, image.SOPInstanceUID, window="file: LUNG"
    )
    assert (viewer.image, viewer.center) == (17, -600)
    assert viewer.shot.dataset.SOPInstanceUID == image.SOPInstanceUID
    viewer.close()
    film = FrameViewer(server, ANDY.StudyInstanceUID, frame=7)
    assert film.frame == 7
    assert "frame 7 of 24" in said(film)
    film.close()


def test_series_and_instance_that_are_not_there_are_a_sentence_in_place(server, viewer):
    for uids in ({"series_uid": "1.2.3"}, {"instance_uid": "1.2.3"}):
        other = FrameViewer(server, STUDY, **uids)
        assert "has no" in other.message
        assert other.shot is None
    viewer.series_uid = "1.2.3"
    assert "has no series" in viewer.message
    viewer.series_uid = CT[0].SeriesInstanceUID
    assert viewer.message == ""
    assert viewer.error is None


@pytest.mark.parametrize(("asked", "shown"), [(0, 1), (33, 32), (-4, 1)])
def test_image_that_is_not_there_is_the_nearest_that_is(viewer, asked, shown):
    viewer.image = 5
    viewer.image = asked
    assert viewer.image == shown
    assert int(viewer.shot.dataset.InstanceNumber) == shown


def test_what_the_browser_sets_at_once_is_kept(viewer):
    image = CT[8]
    viewer.set_state(
        {
            "image": 9,
            "instance_uid": image.SOPInstanceUID,
            "window": "my own",
            "center": 12.0,
            "width": 345.0,
            "zoom": 2.0,
        }
    )
    assert viewer.shot.dataset.SOPInstanceUID == image.SOPInstanceUID
    assert (viewer.window, viewer.center, viewer.width) == ("my own", 12, 345)
    assert "(12, 345)" in viewer.code
    assert "window 12/345" in said(viewer) and "zoom 200 %" in said(viewer)


def test_browser_gets_the_frames_that_it_asks_for(viewer, film, monkeypatch):
    [(header, [pixels, *_])] = sent_for(viewer, keys_of(CT[4:5]), monkeypatch)
    stored = numpy.frombuffer(pixels, header["kind"]).reshape(header["rows"], header["columns"])
    assert numpy.array_equal(stored, CT[4].pixel_array)
    assert (header["slope"], header["intercept"]) == (1, CT[4].RescaleIntercept)
    assert header["path"].endswith(f"{CT[4].SOPInstanceUID}/frames/1")
    assert header["attributes"]["InstanceNumber"] == "5"
    [(header, [pixels])] = sent_for(film, [(*film.key[:2], 3)], monkeypatch)
    assert header["kind"] == "rgb" and len(pixels) == 240 * 320 * 3
    assert header["interval"] == ANDY.FrameTime


def test_browser_gets_a_sentence_for_a_frame_that_fails(viewer, monkeypatch):
    key = (*viewer.key[:2], 99)
    [(content, buffers)] = sent_for(viewer, [key], monkeypatch)
    assert "Not done" in content["problem"]
    assert buffers is None
    assert viewer.error is None  # what is shown is another one


def test_place_in_a_zoomed_picture(viewer):
    whole = numpy.asarray(on_screen(viewer))
    viewer.zoom, viewer.across, viewer.down = 4, 0.25, 0.75
    # Of the 384 rows and columns that do not fit, a quarter to the left and three above.
    there = Image.fromarray(whole[288:416, 96:224]).resize((512, 512), Image.BILINEAR)
    assert numpy.array_equal(numpy.asarray(on_screen(viewer)), numpy.asarray(there))
    assert "zoom 400 %" in said(viewer)
