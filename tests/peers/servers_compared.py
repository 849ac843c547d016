"""Measure what the classroom PACS and Orthanc can do: `python -m tests.peers.servers_compared`.

It writes data/servers-compared.csv. A test measures again, and compares.
"""

from dataclasses import replace
from pathlib import Path

from helpers import connect
from helpers.servers.probe import probe
from tests.peers.orthanc import filled_orthanc

TABLE = Path(__file__).parents[2] / "data" / "servers-compared.csv"


def measured(orthanc, debian_orthanc):
    """Return one table of all three, as CSV."""
    servers = [
        connect("classroom"),
        replace(orthanc, name="Orthanc 1.10"),
        replace(debian_orthanc, name="Orthanc 1.10 as Debian builds it"),
    ]
    first, *others = [probe(server) for server in servers]
    return first.join(others).to_csv(lineterminator="\n")


if __name__ == "__main__":
    with (
        filled_orthanc() as orthanc,
        filled_orthanc(decode_query=False, apikey=None, Host="localhost") as debian_orthanc,
    ):
        TABLE.write_text(measured(orthanc, debian_orthanc), encoding="utf-8")
    print(f"written: {TABLE}")
