"""Helpers of the DICOMweb workbook: the names that a notebook imports, and nothing else."""

from . import multipart
from .attributes import attributes
from .datasets import datasets
from .frames import frame
from .instances import save_instances
from .kernel import explain_errors, fit_tables
from .multipart import iter_parts, parts
from .pictures import show_frame
from .probe import probe
from .servers import Server, connect
from .storage import store_instances
from .twins import equivalents
from .viewer import open_viewer
from .widgets import (
    AcceptLab,
    FrameViewer,
    MultipartView,
    QueryForm,
    StudyBrowser,
    browse,
    build_accept,
    compare_accepts,
    describe_multipart,
    search,
    view_frame,
)
from .wire import show

__all__ = [
    "AcceptLab",
    "FrameViewer",
    "MultipartView",
    "QueryForm",
    "Server",
    "StudyBrowser",
    "attributes",
    "browse",
    "build_accept",
    "compare_accepts",
    "connect",
    "datasets",
    "describe_multipart",
    "equivalents",
    "frame",
    "iter_parts",
    "multipart",
    "open_viewer",
    "parts",
    "probe",
    "save_instances",
    "search",
    "show",
    "show_frame",
    "store_instances",
    "view_frame",
]

explain_errors()
fit_tables()
