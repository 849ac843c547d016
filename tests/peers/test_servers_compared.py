from tests.peers.servers_compared import TABLE, measured


def test_each_cell_of_the_committed_table_is_measured(orthanc, debian_orthanc):
    again = "make it anew: python -m tests.peers.servers_compared"
    assert measured(orthanc, debian_orthanc) == TABLE.read_text(encoding="utf-8"), again
