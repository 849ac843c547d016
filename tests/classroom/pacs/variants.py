"""Joe's first localizer and Andy's ultrasound as other files store them, made by dcmtk."""

import subprocess
from pathlib import Path

import pydicom
from pydicom.uid import JPEGLosslessSV1, JPEGLSLossless, RLELossless

from tests.tools import needs_tool

needs_dcmtk = needs_tool("dcmcjpls", "dcmtk")

ARCHIVE = Path(__file__).parents[3] / "data" / "archive"
JOE = ARCHIVE / "joe" / "CT001_0001.dcm"
RAVI = ARCHIVE / "ravi" / "CT002_0010.dcm"
ANDY = ARCHIVE / "andy" / "US001_0001.dcm"
REPORT = ARCHIVE / "ravi" / "SR091_0001.dcm"

# The program and its options for each way of storing.
COMMANDS = {
    "implicit": ["dcmconv", "+ti"],
    "big endian": ["dcmconv", "+tb"],
    "deflated": ["dcmconv", "+td"],
    "rle": ["dcmcrle"],
    "jpeg lossless": ["dcmcjpeg", "+e1"],
    "jpeg lossless, any predictor": ["dcmcjpeg", "+el", "+sv", "6"],
    "jpeg-ls": ["dcmcjpls"],
}


def dcmtk(*command):
    """Run a program of dcmtk, and fail with what it says."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def variant(source, way, folder):
    """Store `source` in another way; return the new file."""
    made = folder / f"{way}.dcm"
    dcmtk(*COMMANDS[way], source, made)
    return made


def decoded(path, folder):
    """Decode by an authority: dcmtk; and Pillow, by way of pydicom, for JPEG 2000."""
    programs = {JPEGLosslessSV1: "dcmdjpeg", JPEGLSLossless: "dcmdjpls", RLELossless: "dcmdrle"}
    program = programs.get(pydicom.dcmread(path).file_meta.TransferSyntaxUID)
    if program:
        dcmtk(program, path, folder / "decoded.dcm")
        path = folder / "decoded.dcm"
    return pydicom.dcmread(path).pixel_array
