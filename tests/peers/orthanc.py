"""Debian's Orthanc with its DICOMweb plugin, on loopback: a real server that nobody here wrote."""

import base64
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests

from helpers.files.store import store_instances
from helpers.servers.server import Server
from helpers.web.secrets import WORKSHOP_KEY, Headers
from tests.archive import FILES

# Debian puts it where only the administrator's PATH leads.
PROGRAM = shutil.which("Orthanc") or "/usr/sbin/Orthanc"
PLUGIN = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"
PRELOAD = Path(__file__).with_name("orthanc_preload.c")
SECONDS_TO_START = 30

# Orthanc calls this function for every request; the names of headers come in lower case.
KEY_NEEDED = """
function IncomingHttpRequestFilter(method, uri, ip, username, headers)
    return headers["apikey"] == "{}"
end
"""


@contextmanager
def running_orthanc(decode_query=True, apikey=WORKSHOP_KEY, password=None, **dicomweb):
    """Run an empty Orthanc; yield where it is, as `connect` would.

    Parameters
    ----------
    decode_query : bool
        Whether it undoes percent-encoding in a query: as Orthanc's own builds do, or as Debian's
        build does not.
    apikey : str or None
        The key that it asks for, answering 403 without a body to any other; None lets everyone in.
    password : str, optional
        Of its only user, ann, who has to sign in (Basic, RFC 7617).
    **dicomweb
        More settings of the plugin, for example ``Host="localhost"``.
    """
    with tempfile.TemporaryDirectory(prefix="orthanc-") as name:
        folder = Path(name)
        port = _free_port()
        settings = _settings(folder, port, apikey, dicomweb)
        if password:
            settings |= {"AuthenticationEnabled": True, "RegisteredUsers": {"ann": password}}
        (folder / "orthanc.json").write_text(json.dumps(settings), encoding="utf-8")
        environment = {
            **os.environ,
            "LD_PRELOAD": str(_compiled(folder)),
            "ORTHANC_DECODES_QUERY": "yes" if decode_query else "no",
        }
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [PROGRAM, folder / "orthanc.json"],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            root = f"http://127.0.0.1:{port}"
            headers = Headers(apikey=apikey) if apikey else Headers()
            if password:
                encoded = base64.b64encode(f"ann:{password}".encode()).decode()
                headers["Authorization"] = f"Basic {encoded}"
            _wait_until_it_answers(root, headers, process, folder / "log")
            yield Server("Orthanc", f"{root}/dicom-web", f"{root}/wado", headers)
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def orthanc_for_a_test(**settings):
    """Run an empty Orthanc; skip the test where it is not installed."""
    missing = [program for program in (PROGRAM, "gcc") if not shutil.which(program)]
    missing += [PLUGIN] if not Path(PLUGIN).exists() else []
    if missing and not os.environ.get("WORKBOOK_NO_SKIPS"):
        pytest.skip(f"needs {', '.join(missing)}: install orthanc, orthanc-dicomweb and gcc")
    with running_orthanc(**settings) as server:
        yield server


@contextmanager
def filled_orthanc(**settings):
    """Run an Orthanc with the shipped archive; skip the test where it is not installed."""
    with orthanc_for_a_test(**settings) as server:
        stored = store_instances(FILES, server)
        assert set(stored.outcome) == {"stored"}, stored
        yield server


def _settings(folder, port, apikey, dicomweb):
    scripts = []
    if apikey:
        script = folder / "key.lua"
        script.write_text(KEY_NEEDED.format(apikey), encoding="utf-8")
        scripts.append(str(script))
    return {
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "Plugins": [PLUGIN],
        "LuaScripts": scripts,
        "HttpPort": port,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomServerEnabled": False,
        # The roots are those of Debian's own configuration.
        "DicomWeb": {"Root": "/dicom-web/", "EnableWado": True, "WadoRoot": "/wado", **dicomweb},
    }


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def _compiled(folder):
    library = folder / "preload.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, PRELOAD, "-ldl"], check=True)
    return library


def _wait_until_it_answers(root, headers, process, log):
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(requests.ConnectionError, requests.Timeout):
            if requests.get(f"{root}/system", headers=headers, timeout=5).ok:
                return
        time.sleep(0.05)
    raise RuntimeError(f"Orthanc did not start:\n{log.read_text(errors='replace')}")
