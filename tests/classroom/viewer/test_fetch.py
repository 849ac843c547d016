"""Fetching OHIF by npm: from a registry on loopback, and all that can go wrong."""

import base64
import hashlib
import io
import json
import tarfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from classroom.viewer import ohif
from helpers.errors import ViewerUnavailable
from tests.answers import serving
from tests.tools import needs_tool

needs_npm = needs_tool("npm", "npm")
INSTEAD = ("notebook 04", "MicroDICOM", "Weasis", "3D Slicer")

FILES = {
    "package.json": '{"name": "@ohif/app", "version": "3.12.10"}',
    "LICENSE": "The MIT License",
    "README.md": "# OHIF",
    "dist/index.html": "<title>OHIF Viewer</title>",
    "dist/app.js": "start()",
    "dist/assets/logo.png": "png",
    "dist/app.js.map": "{}",
    "dist/ort/ort.wasm": "machine learning",
    "dist/dicom-microscopy-viewer/viewer.js": "microscopy",
    "dist/sw.js": "service worker",
    "dist/app-config.js": "theirs",
}
NEEDED = {"LICENSE", "dist/index.html", "dist/app.js", "dist/assets/logo.png"}


def package():
    """Return a small package of the form that npm fetches."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, content in FILES.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content.encode()))
    return file.getvalue()


def sha512(content):
    return base64.b64encode(hashlib.sha512(content).digest()).decode()


@pytest.fixture
def registry(monkeypatch):
    """Run an npm registry with one package; return what it says and serves, to be changed."""
    content = package()
    shelf = {"package": content, "integrity": f"sha512-{sha512(content)}"}

    class Registry(BaseHTTPRequestHandler):
        def do_GET(self):
            address = "http://{}:{}".format(*self.server.server_address)
            dist = {"tarball": f"{address}/app.tgz", "integrity": shelf["integrity"]}
            version = {"name": ohif.PACKAGE, "version": ohif.VERSION, "dist": dist}
            facts = {"name": ohif.PACKAGE, "versions": {ohif.VERSION: version}}
            wants_package = self.path == "/app.tgz"
            body = shelf["package"] if wants_package else json.dumps(facts).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Registry)) as address:
        monkeypatch.setenv("npm_config_registry", f"http://{address}")
        monkeypatch.setenv("npm_config_fetch_retries", "0")
        yield shelf


def files_below(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@needs_npm
def test_only_what_a_browser_needs_is_kept(registry, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(ohif, "SHA512", sha512(registry["package"]))
    home = ohif.pages(tmp_path).parent
    assert "OHIF viewer 3.12.10" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == [home]
    assert files_below(home) == NEEDED
    assert (home / "dist/app.js").read_text() == FILES["dist/app.js"]


@needs_npm
def test_second_time_needs_neither_npm_nor_network(registry, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(ohif, "SHA512", sha512(registry["package"]))
    first = ohif.pages(tmp_path)
    capsys.readouterr()
    monkeypatch.setenv("PATH", "")
    assert ohif.pages(tmp_path) == first
    assert capsys.readouterr().out == ""


@needs_npm
def test_two_first_starts_at_once_both_have_the_pages(registry, monkeypatch, tmp_path):
    monkeypatch.setattr(ohif, "SHA512", sha512(registry["package"]))
    unpack = ohif._unpack

    def unpack_while_another_start_is_faster(package, folder):
        monkeypatch.setattr(ohif, "_unpack", unpack)
        ohif.pages(tmp_path)
        unpack(package, folder)

    monkeypatch.setattr(ohif, "_unpack", unpack_while_another_start_is_faster)
    home = ohif.pages(tmp_path).parent
    assert files_below(home) == NEEDED
    assert list(tmp_path.iterdir()) == [home]


def refused(folder):
    """Return the explanation why the viewer cannot be fetched; nothing may be left in `folder`."""
    with pytest.raises(ViewerUnavailable) as problem:
        ohif.pages(folder)
    assert files_below(folder) == set()
    said = str(problem.value)
    assert all(name in said for name in INSTEAD)
    return said


def test_without_npm_the_way_out_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    said = refused(tmp_path)
    assert "this computer has no npm" in said
    assert "https://nodejs.org" in said


@needs_npm
def test_without_network_the_way_out_is_said(monkeypatch, tmp_path, free_port):
    monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{free_port}")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    said = refused(tmp_path)
    assert "ECONNREFUSED" in said
    assert "Connect to the network" in said


@needs_npm
def test_package_that_was_damaged_on_the_way_is_not_used(registry, tmp_path):
    registry["package"] = registry["package"][:-9]
    assert "EINTEGRITY" in refused(tmp_path)


@needs_npm
def test_package_of_another_registry_is_not_trusted(registry, tmp_path):
    said = refused(tmp_path)
    assert "thrown away" in said
    assert ohif.SHA512 in said
    assert sha512(registry["package"]) in said


@needs_npm
def test_folder_that_cannot_be_written_is_named(registry, monkeypatch, tmp_path):
    cache = tmp_path / "file" / "viewer"
    cache.parent.write_text("mine")
    with pytest.raises(ViewerUnavailable, match=r"cannot be stored in .*viewer") as problem:
        ohif.pages(cache)
    assert "folder writable" in str(problem.value)


def test_left_over_of_an_earlier_fetch_does_not_count(monkeypatch, tmp_path):
    (tmp_path / "unfinished-1" / "unpacked" / "dist").mkdir(parents=True)
    monkeypatch.setenv("PATH", "")
    refused(tmp_path)
