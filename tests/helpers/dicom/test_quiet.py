"""What pydicom thinks of a file is kept back, and only as long as it has to be."""

import warnings

import pytest
from pydicom import DataElement

from helpers.dicom.quiet import quietly


def test_a_file_is_read_without_a_word_whoever_goes_last():
    """Two threads, of which the first who came in goes first."""
    before = list(warnings.filters)
    first, second = quietly(), quietly()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    DataElement("FrameOfReferenceUID", "UI", "1.04")
    second.__exit__(None, None, None)
    assert warnings.filters == before
    with pytest.warns(UserWarning, match="Invalid value for VR UI"):
        DataElement("FrameOfReferenceUID", "UI", "1.04")
