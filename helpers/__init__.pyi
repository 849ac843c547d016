"""What `helpers` offers: each name, and the module in which it is at home.

The only such table: `__init__.py` imports from it what is asked for, and editors and type checkers
read it as well. Each name is written twice, or they would take it for a private one.
"""

from helpers.dicom.datasets import datasets as datasets
from helpers.dicom.table import attributes as attributes
from helpers.files.save import save_instances as save_instances
from helpers.files.store import store_instances as store_instances
from helpers.multipart.describe import describe_multipart as describe_multipart
from helpers.multipart.reader import iter_parts as iter_parts
from helpers.multipart.reader import parts as parts
from helpers.notebook import prepare_notebook as prepare_notebook
from helpers.pixels.frame import frame as frame
from helpers.pixels.show_frame import show_frame as show_frame
from helpers.queries.browse import browse as browse
from helpers.queries.compare_accepts import build_accept as build_accept
from helpers.queries.compare_accepts import compare_accepts as compare_accepts
from helpers.queries.pick import pick_study as pick_study
from helpers.queries.search import search as search
from helpers.servers.probe import probe as probe
from helpers.servers.server import Server as Server
from helpers.servers.server import connect as connect
from helpers.widgets.accept_lab import AcceptLab as AcceptLab
from helpers.widgets.frame_source import view_frame as view_frame
from helpers.widgets.frame_viewer import FrameViewer as FrameViewer
from helpers.widgets.multipart_view import MultipartView as MultipartView
from helpers.widgets.query_form import QueryForm as QueryForm
from helpers.widgets.study_browser import StudyBrowser as StudyBrowser
from helpers.wire.equivalents import equivalents as equivalents
from helpers.wire.show import show as show
