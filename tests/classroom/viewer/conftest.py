"""A viewer's pages in miniature."""

import pytest

PAGES = {
    "index.html": "<title>the viewer</title>",
    "app.js": "start()",
    "app.css": "body {}",
    "codec.wasm": "\0asm",
    "manifest.json": "{}",
    "assets/logo.svg": "<svg/>",
    "assets/logo.png": "png",
    "assets/favicon.ico": "ico",
    "assets/manifest.webapp": "{}",
    "font.woff2": "font",
    "notes.unknown": "what is this",
}


@pytest.fixture
def pages(tmp_path):
    """Return a folder of pages, in a folder with a secret."""
    (tmp_path / "secret.txt").write_text("the secret")
    for name, content in PAGES.items():
        path = tmp_path / "pages" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path / "pages"
