"""Start the DICOMweb workbook.

python3 workbook.py [command] [options]

  lab     open the notebooks in JupyterLab; options such as --no-browser or --port 9000
          are passed on to it. This is what happens without a command.
  test    run every test; options are passed on to pytest.
          "test --fast" leaves out what is slow, and takes a minute
  pacs    run the classroom server alone; "pacs --help" shows its options
  viewer  open a study in the OHIF viewer, in the browser; "viewer --help" shows its options

The first start makes the folder .venv and installs the libraries into it. That needs
the network and takes one to five minutes. Later starts need neither.
"""

# Only the standard library, and only syntax that old Pythons can read (no f-string, no
# annotation): they must get as far as the sentence below.
from __future__ import print_function

import sys

OLDEST = (3, 11)

if sys.version_info < OLDEST:
    sys.exit(
        "The workbook needs Python {}.{} or newer, and this is Python {}.{} ({}).\n"
        "Get a newer one from https://www.python.org/downloads/ and start workbook.py with it, "
        "for example: python3.13 workbook.py".format(
            *(OLDEST + tuple(sys.version_info[:2]) + (sys.executable,))
        )
    )

import ast
import errno
import hashlib
import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

# What .venv holds: a fingerprint for each requirements file, or UNFINISHED from the moment
# that pip begins until it has ended.
STAMP = VENV / "workbook-installed.txt"
UNFINISHED = "unfinished"

INSTALLING = "Installing the libraries (one to five minutes) ..."

# Installs the same libraries in a third of pip's time, if pip can fetch it.
UV = "uv==0.13.9"

# A setting of pip -> the variable in which uv looks for it. uv reads no setting of pip's.
UV_VARIABLES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "constraint": "UV_CONSTRAINT",
    "cert": "SSL_CERT_FILE",
}
# Settings of pip that change nothing in what is installed, or from where.
HARMLESS = (
    "config-file",
    "default-timeout",
    "timeout",
    "retries",
    "user",
    "disable-pip-version-check",
)
HARMLESS += ("no-input", "cache-dir", "no-cache-dir", "root-user-action", "progress-bar")

# What pip, venv or the operating system says -> the way out. The first match counts, and the
# network comes before permissions, because a firewall may answer "permission denied".
WAYS_OUT = (
    (
        r"No space left|not enough space|Errno 28\b",
        "The disk is full. Free 1 GB, then start workbook.py again.",
    ),
    (
        r"ensurepip is not|No module named '?(venv|ensurepip)",
        "This Python cannot make virtual environments. On Debian or Ubuntu, run "
        "'sudo apt install python{}.{}-venv'. Then start workbook.py again.".format(
            *sys.version_info[:2]
        ),
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLError",
        "The package index showed a certificate that pip does not trust. On a company network, "
        "set the variable PIP_CERT to the file of its certificates. "
        "Then start workbook.py again.",
    ),
    (
        r"connection broken|Connection ?(Error|Failed)|Timeout|ProxyError|from versions: none",
        "pip could not reach the package index. Connect to the network (behind a proxy, set the "
        "variable HTTPS_PROXY), then start workbook.py again. Only an install needs the network.",
    ),
    (
        r"Windows Long Path",
        "The path of the folder {} is too long for Windows. Move the workbook to a shorter one, "
        "such as C:\\workbook, then start workbook.py again.".format(ROOT),
    ),
    (
        r"subprocess-exited-with-error|Failed building|Failed to build",
        "A library is not ready-made for Python {}.{} on this computer. Get Python 3.13 from "
        "https://www.python.org/downloads/ and start workbook.py with it.".format(
            *sys.version_info[:2]
        ),
    ),
    (
        r"Permission denied|Read-only file system|not permitted|Access is denied|another process",
        "The folder {} cannot be written. Move the workbook to a folder of your own, or close "
        "what uses it, then start workbook.py again.".format(ROOT),
    ),
)

# The plugin of JupyterLab that asks about news and looks for updates.
NEWS = "@jupyterlab/apputils-extension:announcements"


# Runs a module as `python -m` does. Ctrl-C while it is still loaded ends it without a traceback,
# and a folder that is not the learner's with a sentence: ~/.local is root's after `sudo jupyter`.
QUIET_START = """
import runpy, sys
def hook(kind, error, trace):
    if issubclass(kind, PermissionError) and error.filename:
        way_out = "That folder must be yours. Change its owner, then start workbook.py again."
        print("{}\\n{}".format(error, way_out), file=sys.stderr)
    elif kind is not KeyboardInterrupt:
        sys.__excepthook__(kind, error, trace)
sys.excepthook = hook
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


class Problem(Exception):
    """Something that the learner can put right; its text says how."""


def way_out(words):
    """Return what to do about the failure that `words` tell of."""
    for pattern, advice in WAYS_OUT:
        if re.search(pattern, words):
            return advice
    return "The lines above say what failed. Put it right, then start workbook.py again."


def child_variables():
    """Return the environment variables of a child, without those meant for another Python."""
    foreign = ("PYTHONHOME", "PYTHONPATH", "PYTHONWARNINGS", "VIRTUAL_ENV")
    foreign += ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON", "JUPYTERLAB_DIR")
    variables = {name: value for name, value in os.environ.items() if name not in foreign}
    if not os.access(os.path.expanduser("~"), os.W_OK):
        variables["HOME"] = str(VENV)  # JupyterLab and IPython do not start without one
    variables.update(PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1", PYTHONUNBUFFERED="1")
    return variables


def run_quietly(command, task, **variables):
    """Run `command` to its end, with one line on the screen; raise Problem if it fails."""
    print(task, end=" ", flush=True)
    process = subprocess.Popen(
        command,
        cwd=str(ROOT),
        env=dict(child_variables(), **variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
        errors="replace",
        close_fds=False,  # it holds the lock, too: see one_at_a_time
    )
    lines = []
    try:
        for line in process.stdout:
            lines.append(line.rstrip())
            if line.lstrip().startswith(("Collecting ", "Downloading ")):
                print(".", end="", flush=True)
        code = process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    finally:
        process.stdout.close()
    print(" done" if code == 0 else " failed", flush=True)
    if code != 0:
        telling = [line for line in lines if line.lower().startswith("error")] or lines
        raise Problem("\n".join(telling[-8:]) + "\n\n" + way_out("\n".join(lines)))


def module(name, *options):
    """Return the command that runs the module `name` with the Python of .venv."""
    # -P: a file of the same name in the learner's current folder does not count.
    return [str(PYTHON), "-P", "-m", name] + list(options)


def server(name, *options):
    """Return the command that runs the module `name` until Ctrl-C."""
    return [str(PYTHON), "-P", "-c", QUIET_START, name] + list(options)


def environment_works():
    """Tell whether .venv has a Python of its own that starts, and pip."""
    # Without pyvenv.cfg it would be the Python below it, and pip would install into that one.
    check = (
        "import os, sys, pip._internal.cli.main; "
        "sys.exit(not os.path.samefile(sys.prefix, sys.argv[1]))"
    )
    return succeeds(check, str(VENV))


def holds_helpers():
    """Tell whether .venv has what pip installs last."""
    check = "import importlib.util, sys; sys.exit(importlib.util.find_spec('classroom') is None)"
    return succeeds(check)


def succeeds(code, *arguments):
    """Tell whether the Python of .venv runs `code` and ends well."""
    silence = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    command = [str(PYTHON), "-P", "-c", code] + list(arguments)
    try:
        return subprocess.call(command, env=child_variables(), **silence) == 0
    except OSError:
        return False


def make_environment():
    """Make .venv anew, from the Python that runs this file."""
    sign = VENV / "pyvenv.cfg"
    is_environment = sign.exists()
    holds_files = VENV.is_file() or any(path.is_file() for path in VENV.rglob("*"))
    if holds_files and not is_environment:
        raise Problem(
            "{} is in the way: it is not a Python environment. Rename or delete it, then start "
            "workbook.py again.".format(VENV)
        )
    if is_environment:
        # The sign goes last, so that .venv is ours even if Ctrl-C comes now.
        for path in VENV.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(str(path))
            elif path != sign:
                path.unlink()
    # Started by the very Python of .venv, this must not saw off its own branch.
    base = getattr(sys, "_base_executable", None) or sys.executable
    run_quietly([base, "-m", "venv", "--clear", str(VENV)], "Making the folder .venv ...")


def lock(file):
    """Lock `file` until it is closed; tell whether nobody else had locked it."""
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(1 << 20)  # behind its end, because nobody else can read what is locked
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EACCES, errno.EAGAIN)  # else: a disk without locks
    return True


@contextmanager
def one_at_a_time():
    """Wait until no other start prepares .venv, and let the next one wait."""
    with open(str(ROOT / "workbook.py"), "rb") as file:
        # A start that was killed leaves its pip at work, and that one must not be disturbed.
        os.set_inheritable(file.fileno(), True)
        if not lock(file):
            print("Another start prepares .venv. Waiting for it ...", flush=True)
            while not lock(file):
                time.sleep(0.2)
        yield


def fingerprint(requirements):
    """Return a digest that changes when the file must be installed again."""
    digest = hashlib.sha256(str(ROOT).encode("utf-8", "surrogateescape"))
    for name in (requirements, "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def noted():
    """Return what .venv holds, as the last install noted it."""
    return STAMP.read_text() if STAMP.is_file() else ""


def is_ready(wanted):
    """Tell whether .venv works, and holds what the fingerprints `wanted` stand for."""
    return wanted <= set(noted().split()) and environment_works()


def prepare(*requirements):
    """Make .venv hold what the files `requirements` list. Does nothing when it does already."""
    wanted = {fingerprint(name) for name in requirements}
    if not is_ready(wanted):
        with one_at_a_time():
            if not is_ready(wanted):  # the start before this one may have done it
                install(requirements, wanted)


def install(requirements, wanted):
    """Install what the files `requirements` list into .venv, made anew if need be."""
    before = noted()
    is_new = before == UNFINISHED or not environment_works()
    if is_new:
        make_environment()
        before = UNFINISHED  # if it fails, the next start may be of another Python
    STAMP.write_text(UNFINISHED)
    lists = [word for name in requirements for word in ("-r", name)]
    try:
        # Only into a new environment: what uv leaves half done, it does not undo.
        if not (is_new and install_with_uv(lists)):
            pip = module("pip", "install", "--no-input", *lists)
            run_quietly(pip, INSTALLING)
        if not holds_helpers():
            raise Problem(
                "pip has put the libraries into another folder than .venv. Your settings of pip "
                "say so: take out target, prefix, root or dry-run. This shows where they are: "
                "python3 -m pip config debug. Then start workbook.py again."
            )
    except Problem:
        STAMP.write_text(before)  # pip undoes what it could not finish
        raise
    STAMP.write_text("\n".join(sorted(wanted)))


def install_with_uv(lists):
    """Install `lists` into the new .venv with uv; tell whether it did. If not, .venv is new."""
    variables = variables_of_uv()
    if variables is None:
        return False
    try:
        pip = module("pip", "install", "--no-input", "--retries=1", UV)
        run_quietly(pip, "Fetching the installer ...")
    except Problem:
        return False  # pip says why, if it cannot do without
    uv = module("uv", "pip", "install", "--python", str(PYTHON), *lists)
    try:
        run_quietly(uv, INSTALLING, **variables)
    except Problem:
        make_environment()
        return False
    return holds_helpers()


def variables_of_uv():
    """Return the settings of pip as variables for uv; None if there is one that it cannot know."""
    # As pip does: the certificates of the computer, and the best release of all indexes.
    variables = {"UV_SYSTEM_CERTS": "1", "UV_INDEX_STRATEGY": "unsafe-best-match"}
    asked = module("pip", "config", "list")
    try:
        listed = subprocess.check_output(asked, env=child_variables(), universal_newlines=True)
    except subprocess.CalledProcessError:
        return None
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        name = name.rpartition(".")[2]
        if name in UV_VARIABLES:
            value = ast.literal_eval(value)
            if name == "find-links":
                value = ",".join(value.split())
            variables[UV_VARIABLES[name]] = value
        elif name not in HARMLESS:
            return None
    return variables


def hand_over(command, folder=None):
    """Run `command` in the terminal until it ends, and return its exit code."""
    process = subprocess.Popen(command, cwd=folder, env=child_variables())
    # Ctrl-C reaches the child too, which ends by itself. Here it must not interrupt the waiting:
    # that can lose the child's exit code.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    code = process.wait()
    return code if code >= 0 else 128 - code


def switch_off_news():
    """Keep JupyterLab from asking a learner about its news and updates."""
    if not (VENV / "etc/jupyter/labconfig/page_config.json").exists():
        run_quietly(
            module("jupyterlab.labextensions", "disable", "--level=sys_prefix", NEWS),
            "Setting up JupyterLab ...",
        )


def lab(options):
    """Open the first notebook in JupyterLab."""
    prepare("requirements.txt")
    switch_off_news()
    print("JupyterLab opens in your browser. To stop it, press Ctrl-C here.", flush=True)
    settings = [
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.root_dir={}".format(ROOT),
        "--ServerApp.allow_root=True",
        "--ServerApp.answer_yes=True",
        "--LabApp.default_url=/lab/tree/notebooks/00-start-here.ipynb",
        "--Application.log_level=ERROR",
        # Without it, each kernel writes a warning of four lines into the terminal.
        "--KernelManager.transport_encryption=auto",
    ]
    return hand_over(server("jupyterlab", *(settings + options)))


def test(options):
    """Run every test, or those that `options` choose."""
    prepare("requirements.txt", "tests/requirements.txt")
    if "--fast" in options:
        rest = [option for option in options if option != "--fast"]
        options = ["-m", "not slow", "-n", "2", "--dist", "loadfile"] + rest
    return hand_over(module("pytest", *options), str(ROOT))


def pacs(options):
    """Run the classroom server alone."""
    prepare("requirements.txt")
    return hand_over(server("classroom.pacs", *options))


def viewer(options):
    """Open a study of the classroom server in the OHIF viewer."""
    prepare("requirements.txt")
    return hand_over(server("classroom.viewer", *options))


COMMANDS = {"lab": lab, "test": test, "pacs": pacs, "viewer": viewer}


def main(arguments):
    """Run the command that `arguments` name, and return the exit code."""
    if arguments[:1] in (["-h"], ["--help"]):
        print(__doc__.strip())
        return 0
    name = "lab"
    if arguments and not arguments[0].startswith("-"):
        name, arguments = arguments[0], arguments[1:]
    if name not in COMMANDS:
        print(
            "There is no command {!r}. Choose one of: {}.".format(name, ", ".join(COMMANDS)),
            file=sys.stderr,
        )
        return 2
    try:
        return COMMANDS[name](arguments)
    except Problem as problem:
        print("\n{}".format(problem), file=sys.stderr)
        return 1
    except OSError as error:
        print("\n{}\n{}".format(error, way_out(str(error))), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The next start puts right what is unfinished.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    # `kill` ends the start as Ctrl-C does: pip too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
