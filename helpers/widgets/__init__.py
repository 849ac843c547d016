"""Widgets: forms and viewers, each with a function that does the same in code."""

from .accept_lab import AcceptLab
from .accepting import build_accept, compare_accepts
from .browsing import browse
from .describing import describe_multipart
from .frame_viewer import FrameViewer
from .multipart_view import MultipartView
from .query_form import QueryForm
from .searching import search
from .study_browser import StudyBrowser
from .viewing import view_frame

__all__ = [
    "AcceptLab",
    "FrameViewer",
    "MultipartView",
    "QueryForm",
    "StudyBrowser",
    "browse",
    "build_accept",
    "compare_accepts",
    "describe_multipart",
    "search",
    "view_frame",
]
