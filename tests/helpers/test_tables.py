"""Tables as HTML: what is seen is short, what is there is whole."""

import re
from html.parser import HTMLParser

import pandas
import pytest

from helpers.tables import table_html

UID = "1.3.6.1.4.1.14519.5.2.1.7777.9002.198875685720513246512710453733"
RANDOM = "2.25.376823938970936436722019209917784829"
URL = f"http://127.0.0.1:8042/dicomweb/studies/{UID}/series/{UID}/instances/{UID}"
SYNTAX = "1.2.840.10008.1.2.4.70"


class Page(HTMLParser):
    """What a table holds: the text and the side of each cell, and all titles."""

    def __init__(self, table):
        super().__init__()
        self.cells, self.sides, self.titles = [], [], []
        self.feed(table_html(table))

    def handle_starttag(self, tag, attrs):
        if tag in ("td", "th"):
            self.cells.append("")
            self.sides.append(re.search("text-align:([a-z]+)", dict(attrs).get("style", "")))
        if "title" in dict(attrs):
            self.titles.append(dict(attrs)["title"])

    def handle_data(self, data):
        if self.cells:
            self.cells[-1] += data.strip()


def side_of(page, text):
    return page.sides[page.cells.index(text)][1]


@pytest.mark.parametrize("text", [UID, RANDOM, URL, "CT", "TCGA-17-Z058", "a < b", SYNTAX])
def test_text_of_a_cell_is_whole(text):
    assert text in Page(pandas.DataFrame({"Anything": [text]})).cells


@pytest.mark.parametrize("text", [UID, RANDOM, URL])
def test_long_name_has_the_whole_in_its_title(text):
    titles = Page(pandas.DataFrame({"Anything": [text]})).titles
    assert set(titles) == {text}


@pytest.mark.parametrize(
    "text", ["CT", "19860330", "0.5", SYNTAX, "http://127.0.0.1:8042/dicomweb"]
)
def test_short_value_has_no_title(text):
    assert Page(pandas.DataFrame({"Anything": [text]})).titles == []


def test_text_goes_left_and_numbers_go_right():
    page = Page(
        pandas.DataFrame(
            {
                "PatientName": ["Joe SIIM", "Ravi SIIM"],
                "StudyDate": ["19860330", ""],
                "NumberOfFrames": [24, ""],
                "mm": [0.5, 0.25],
            },
        )
    )
    assert {side_of(page, text) for text in ("Joe SIIM", "19860330")} == {"left"}
    assert {side_of(page, text) for text in ("PatientName", "StudyDate", "#", "0")} == {"left"}
    assert {side_of(page, text) for text in ("24", "0.50", "NumberOfFrames", "mm")} == {"right"}


def test_keyword_is_broken_between_its_words_only():
    names = ["NumberOfStudyRelatedInstances", "SOPInstanceUID", "RetrieveURL", "Modality"]
    head = table_html(pandas.DataFrame(columns=names)).partition("</thead>")[0]
    for broken in ("Number|Of|Study|Related|Instances", "SOP|Instance|UID", "Retrieve|URL"):
        assert f">{broken.replace('|', '<wbr>')}<" in head
    assert ">Modality<" in head


@pytest.mark.parametrize("index", [None, pandas.Index(["a", "b"], name="Letter")])
def test_every_header_has_a_name(index):
    written = table_html(pandas.DataFrame({"Modality": ["CT", "MR"]}, index=index))
    assert not re.search("<th[^>]*></th>", written)


def test_long_table_is_cut_as_pandas_does_it():
    wide = pandas.DataFrame([[str(number) for number in range(50)]] * 100)
    assert "100 rows × 50 columns" in table_html(wide)


def test_it_is_the_same_in_a_kernel_that_was_not_prepared():
    with pandas.option_context("display.max_colwidth", 50):
        assert URL in Page(pandas.DataFrame({"RetrieveURL": [URL]})).cells
