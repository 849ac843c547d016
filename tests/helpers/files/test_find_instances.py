import threading

import pydicom
import pytest

from helpers.errors import ServerUnreachable
from helpers.files.store import find_instances
from helpers.web.limits import Limits
from tests.archive import RAVI
from tests.storing import Archive

UIDS = [pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID for path in RAVI]


@pytest.mark.parametrize("page", [1, 7, 36, 1000])
def test_a_server_may_send_fewer_results_than_asked_for(archive, page):
    archive.held, archive.page = UIDS, page
    assert find_instances("1.2", archive.server) == set(UIDS)


def test_a_server_that_ignores_the_offset_is_not_asked_for_ever(archive):
    archive.held = UIDS
    archive.found = lambda query: Archive.found(archive, "")
    assert find_instances("1.2", archive.server) == set(UIDS)
    assert len(archive.requests) == 2


@pytest.mark.parametrize("status", [204, 404])
def test_a_server_may_have_its_own_words_for_a_study_that_it_does_not_have(archive, status):
    archive.found = lambda query: (status, {}, b"")
    assert find_instances("1.2", archive.server) == set()


def test_a_silent_server_is_not_waited_for_for_ever(archive, monkeypatch):
    woken = threading.Event()

    def sleep(query):
        woken.wait(20)
        return 200, {}, b"[]"

    archive.found = sleep
    monkeypatch.setattr("helpers.web.limits.SEARCH_BEFORE_STORING", Limits(silence=0.1, in_all=5))
    with pytest.raises(ServerUnreachable, match="No answer"):
        find_instances("1.2", archive.server)
    woken.set()
