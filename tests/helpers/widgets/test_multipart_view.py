"""A multipart body, labelled: live, saved, long and cut."""

import pytest
import requests
from pandas.testing import assert_frame_equal

from helpers import MultipartView, describe_multipart
from helpers.errors import HTTPProblem, NotMultipart, TruncatedMultipart, WorkbookError
from helpers.multipart.describe import BEGINNING, as_table
from helpers.multipart.pieces import pieces
from helpers.web.answer import READ_SIZE
from tests.answers import answer, multipart_body
from tests.helpers.widgets.looking import everything_in

JOE = "studies/1.3.6.1.4.1.14519.5.2.1.7777.9002.198875685720513246512710453733"
BODY, CONTENT_TYPE = multipart_body([b"first", b"second part"], "text/plain", "cut")


@pytest.fixture
def response(server):
    """Return the whole study, live."""
    return requests.get(f"{server.dicomweb}/{JOE}", headers=server.headers, stream=True)


def test_offsets_and_sizes_cover_every_byte_of_a_live_answer(server, response):
    whole = requests.get(f"{server.dicomweb}/{JOE}", headers=server.headers)
    table = describe_multipart(response)
    assert table["bytes"].sum() == len(whole.content)
    assert (table["offset"].shift(-1).dropna() == (table["offset"] + table["bytes"])[:-1]).all()


def test_pieces_are_those_of_the_parser():
    table = describe_multipart(BODY, CONTENT_TYPE)
    parsed = [(kind, len(data)) for kind, data in pieces([BODY], b"cut")]
    assert list(zip(table["piece"], table["bytes"], strict=True)) == parsed


def test_each_row_points_to_its_bytes():
    for row in describe_multipart(BODY, CONTENT_TYPE).itertuples():
        there = BODY[row.offset : row.offset + row.bytes]
        assert row.content == repr(there)[1:]


def test_table_is_that_of_the_view():
    view = MultipartView(BODY, CONTENT_TYPE)
    assert_frame_equal(as_table(view.pieces), describe_multipart(BODY, CONTENT_TYPE))
    for number in (0, 1, 2):
        assert f">{view.pieces[number].offset}<" in view.body.value


def test_each_piece_has_a_word_and_a_colour_of_its_own():
    view = MultipartView(BODY, CONTENT_TYPE)
    for word in ("delimiter", "headers", "blank line", "data", "closing delimiter", "epilogue"):
        assert f";color:#000;padding:1px 6px;border-radius:3px'>{word}</span>" in view.body.value
    assert "a part begins" in view.body.value


def test_long_data_is_kept_only_at_its_beginning_and_folded(response):
    view = MultipartView(response)
    data = [piece for piece in view.pieces if piece.kind == "data"]
    assert [len(piece.beginning) for piece in data] == [BEGINNING, BEGINNING]
    assert view.body.value.count("<details>") == 2
    assert "<details open" not in view.body.value
    assert len(view.body.value) < 20_000


def test_bytes_are_shown_in_hexadecimal_as_far_as_a_page_goes():
    data = bytes(range(256)) * 4
    body, content_type = multipart_body([data], "application/octet-stream")
    [piece] = [piece for piece in MultipartView(body, content_type).pieces if piece.kind == "data"]
    *lines, end = piece.preview.splitlines()
    assert bytes.fromhex("".join(line[6:53] for line in lines)) == data[:256]
    assert end == "... 1,024 bytes in all"


@pytest.mark.parametrize(
    ("data", "content"),
    [
        (b"a" * 60, f"'{'a' * 60}'"),
        (b"a" * 61, f"'{'a' * 60}' ..."),
        (bytes(16), " ".join(["00"] * 16)),
        (bytes(17), " ".join(["00"] * 16) + " ..."),
    ],
)
def test_dots_say_that_there_is_more(data, content):
    table = describe_multipart(*multipart_body([data], "text/plain"))
    assert table.set_index("piece").loc["data", "content"] == content


def test_long_epilogue_is_one_piece():
    epilogue = b"x" * 3 * READ_SIZE
    table = describe_multipart(BODY + epilogue, CONTENT_TYPE)
    assert table["piece"].tolist().count("epilogue") == 1
    assert table["bytes"].sum() == len(BODY) + len(epilogue)


def test_view_of_a_saved_body_is_that_of_the_live_one(tmp_path):
    saved = tmp_path / "body.bin"
    saved.write_bytes(BODY)
    live = describe_multipart(answer(BODY, CONTENT_TYPE))
    assert_frame_equal(describe_multipart(saved, CONTENT_TYPE), live)
    assert_frame_equal(describe_multipart(str(saved)), live)


def test_body_that_ends_too_early_is_shown_as_far_as_it_came():
    view = MultipartView(BODY[:-20], CONTENT_TYPE)
    assert isinstance(view.error, TruncatedMultipart)
    assert "The body ended in the middle of part 2" in view.summary.value
    last = describe_multipart(BODY[:-20], CONTENT_TYPE).iloc[-1]
    assert (last["piece"], last["offset"]) == ("missing", len(BODY) - 20)
    assert "missing</span>" in view.body.value


@pytest.mark.parametrize("end", range(len(BODY)))
def test_body_cut_anywhere_gives_no_traceback_and_loses_no_byte(end):
    view = MultipartView(BODY[:end], CONTENT_TYPE)
    assert "Traceback" not in view.summary.value
    assert sum(piece.size for piece in view.pieces) <= end


def test_answer_that_is_not_multipart_is_a_sentence_in_place():
    response = answer(b"[]", "application/dicom+json")
    view = MultipartView(response)
    assert "This answer comes in one piece" in view.summary.value
    assert "application/dicom+json" in view.summary.value
    assert view.children[1:] == (view.summary,)
    assert "<table" not in view.static()["text/html"]
    with pytest.raises(NotMultipart):
        describe_multipart(answer(b"[]", "application/dicom+json"))


def test_bad_status_is_a_sentence_in_place(server):
    response = requests.get(f"{server.dicomweb}/{JOE}")
    view = MultipartView(response)
    assert isinstance(view.error, HTTPProblem)
    assert "401" in view.summary.value


def test_saved_body_that_is_not_there_is_a_sentence_in_place(tmp_path):
    view = MultipartView(tmp_path / "nowhere")
    assert "The saved body cannot be read" in view.summary.value
    with pytest.raises(WorkbookError, match="cannot be read"):
        describe_multipart(tmp_path / "nowhere")


def test_one_part_can_be_chosen():
    view = MultipartView(BODY, CONTENT_TYPE)
    view.part.value = 2
    assert "second part" in view.body.value
    assert "first" not in view.body.value


def test_of_many_parts_one_is_shown_at_a_time():
    body, content_type = multipart_body([b"x"] * 500, "text/plain")
    view = MultipartView(body, content_type)
    assert view.part.value == 1
    assert view.body.value.count("<tr>") < 10
    assert "500 parts" in view.summary.value
    assert len(repr(view).splitlines()) < 50


@pytest.mark.parametrize(("count", "first"), [(20, "all parts"), (21, "part 1 of 21")])
def test_all_parts_are_shown_while_they_can_be_read(count, first):
    view = MultipartView(*multipart_body([b"x"] * count, "text/plain"))
    assert view.part.options[0][0] == first


def test_data_that_looks_like_html_is_shown_as_text():
    body, content_type = multipart_body([b"<script>alert(1)</script>"], "text/html")
    view = MultipartView(body, content_type)
    assert "<script>" not in view.body.value + view.static()["text/html"]


def test_parts_without_data_and_headers_are_counted():
    view = MultipartView(b"--b\r\n\r\n--b\r\n\r\n--b--\r\n", "multipart/related; boundary=b")
    assert "2 parts" in view.summary.value


def test_request_and_twin_are_shown(response):
    view = MultipartView(response)
    assert response.url in view.summary.value
    assert "describe_multipart(response)" in view.summary.value


def test_password_of_a_request_is_masked():
    response = answer(BODY, CONTENT_TYPE, url="http://ann:secret@127.0.0.1/dicomweb/studies")
    view = MultipartView(response)
    assert "127.0.0.1/dicomweb/studies" in view.summary.value
    assert "secret" not in everything_in(view)


@pytest.mark.parametrize(("count", "scrolls"), [(2, False), (9, True)])
def test_a_short_body_is_shown_whole_and_a_long_one_scrolls(count, scrolls):
    view = MultipartView(*multipart_body([b"x"] * count, "text/plain"))
    assert ("max-height:none" in view.body.value) != scrolls


def test_static_picture_has_every_piece():
    picture = MultipartView(BODY, CONTENT_TYPE).static()
    assert "closing delimiter: '\\r\\n--cut--'" in picture["text/plain"]
    assert "closing delimiter" in picture["text/html"]
