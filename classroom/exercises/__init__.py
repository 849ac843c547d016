"""Exercises with feedback, quizzes, and what is done of them: the names that notebooks import."""

from classroom.exercises.answers import ____
from classroom.exercises.discovery import (
    count_instances,
    parse_multipart,
    read_attribute,
    split_body,
)
from classroom.exercises.images import another_transfer_syntax, read_pixels, which_jpeg, window_mass
from classroom.exercises.progress import export_progress, progress, reset_progress
from classroom.exercises.quizzes import quiz
from classroom.exercises.retrieval import know_dicom, repair_requests, save_study, verify_study
from classroom.exercises.search import find_by_date, find_by_modality, find_sally, predict_status
from classroom.exercises.storage import find_bulk_data, store_copy, write_body

__all__ = [
    "____",
    "another_transfer_syntax",
    "count_instances",
    "export_progress",
    "find_bulk_data",
    "find_by_date",
    "find_by_modality",
    "find_sally",
    "know_dicom",
    "parse_multipart",
    "predict_status",
    "progress",
    "quiz",
    "read_attribute",
    "read_pixels",
    "repair_requests",
    "reset_progress",
    "save_study",
    "split_body",
    "store_copy",
    "verify_study",
    "which_jpeg",
    "window_mass",
    "write_body",
]
