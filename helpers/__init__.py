"""Helpers of the DICOMweb workbook: the names that a notebook imports, and nothing else.

A name is imported when it is asked for (PEP 562), so that `import helpers` loads no library that
nobody needs, and changes nothing.
"""

from importlib import import_module
from typing import Any

# Each name, and the module in which it is at home.
HOMES = {
    "AcceptLab": "widgets.accept_lab",
    "FrameViewer": "widgets.frame_viewer",
    "MultipartView": "widgets.multipart_view",
    "QueryForm": "widgets.query_form",
    "Server": "servers.server",
    "StudyBrowser": "widgets.study_browser",
    "attributes": "dicom.table",
    "browse": "queries.browse",
    "build_accept": "queries.compare_accepts",
    "compare_accepts": "queries.compare_accepts",
    "connect": "servers.server",
    "datasets": "dicom.datasets",
    "describe_multipart": "multipart.describe",
    "equivalents": "wire.equivalents",
    "frame": "pixels.frame",
    "iter_parts": "multipart.reader",
    "parts": "multipart.reader",
    "prepare_notebook": "notebook",
    "probe": "servers.probe",
    "save_instances": "files.save",
    "search": "queries.search",
    "show": "wire.show",
    "show_frame": "pixels.show_frame",
    "store_instances": "files.store",
    "view_frame": "widgets.frame_source",
}

__all__ = sorted(HOMES)


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module 'helpers' has no attribute {name!r}")
    value = getattr(import_module(f"helpers.{HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, *globals()]
