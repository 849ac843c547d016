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

# What is installed: every library, pinned, with the hashes of its files. tests/lock.py makes them.
LOCK = "requirements.lock"
TESTS_LOCK = "tests/requirements.lock"

# Installs the same libraries in a third of pip's time, if pip can fetch it. Its lock stands alone,
# because a computer for which there is no uv must be able to do without.
UV = "uv==0.13.9"
UV_LOCK = "installer.lock"

# What .venv holds: a fingerprint for each lock, or UNFINISHED from the moment that an install
# begins until it has ended.
STAMP = VENV / "workbook-installed.txt"
UNFINISHED = "unfinished"

INSTALLING = "Installing the libraries (one to five minutes) ..."

# A setting of pip -> the variable in which uv looks for it. uv reads no setting of pip's.
UV_VARIABLES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "retries": "UV_HTTP_RETRIES",
    "cache-dir": "UV_CACHE_DIR",
}
# Settings of pip that change nothing in what is installed, or from where. A constraint is one of
# them, because every library is pinned.
HARMLESS = ("config-file", "user", "disable-pip-version-check", "no-input", "constraint")
HARMLESS += ("root-user-action", "progress-bar", "require-virtualenv", "no-color")
# Where pip looks for a setting of `pip install`; the last that has it counts.
SECTIONS = ("global", "install", ":env:")

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
        r"connection broken|Connection ?(Error|Failed)|Timeout|ProxyError",
        "pip could not reach the package index. Connect to the network (behind a proxy, set the "
        "variable HTTPS_PROXY), then start workbook.py again. Only an install needs the network.",
    ),
    (
        r"Windows Long Path",
        "The path of the folder {} is too long for Windows. Move the workbook to a shorter one, "
        "such as C:\\workbook, then start workbook.py again.".format(ROOT),
    ),
    (
        r"DO NOT MATCH THE HASHES|Hash mismatch",
        "What came from the package index is not the file that the workbook was made with, so it "
        "was not installed. Start workbook.py again. If that does not help, your settings of pip "
        "name an index with files of its own: take it out. This shows where: "
        "python3 -m pip config debug.",
    ),
    (
        r"No matching distribution|from versions:",
        "The package index has no such library for Python {}.{} on this computer, or pip could "
        "not reach it. Connect to the network, then start workbook.py again. If you are connected, "
        "get Python 3.13 (64 bit) from https://www.python.org/downloads/ and start workbook.py "
        "with it.".format(*sys.version_info[:2]),
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
# A tab that is closed while its kernel still prints is no fault: JupyterLab would write a traceback
# for each line that does not arrive.
QUIET_START = """
import logging, runpy, sys
def is_told(record):
    kind = record.exc_info and record.exc_info[0]
    return not kind or (kind.__module__, kind.__name__) != (
        "tornado.websocket", "WebSocketClosedError"
    )
for name in ("asyncio", "tornado.application", "tornado.general"):
    logging.getLogger(name).addFilter(is_told)
def hook(kind, error, trace):
    if issubclass(kind, PermissionError) and error.filename:
        way_out = "That folder must be yours. Change its owner, then start workbook.py again."
        print("{}\\n{}".format(error, way_out), file=sys.stderr)
    elif kind is not KeyboardInterrupt:
        sys.__excepthook__(kind, error, trace)
sys.excepthook = hook
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


# Lets .venv find `helpers` and `classroom`, from any folder. The path is relative: an install in
# place would ask setuptools, which cannot build below a folder with a `$` in its name.
LINK = """
import os, sys, sysconfig
libraries = sysconfig.get_path("purelib")
link = os.path.join(libraries, "workbook.pth")
if not os.path.exists(link):
    with open(link, "w") as file:
        file.write(os.path.relpath(sys.argv[1], libraries) + os.linesep)
"""

# Prints a line for each library that a lock names and that is not whole: its name, and the folder
# of its facts, if there is one.
FIND_DAMAGE = r"""
import csv, os, sys
from importlib.metadata import distributions
from pip._vendor.packaging.requirements import Requirement
from pip._vendor.packaging.utils import canonicalize_name

def is_whole(library):
    try:
        files = [row[0] for row in csv.reader(library.read_text("RECORD").splitlines()) if row]
    except Exception:
        return False
    place = str(library.locate_file(""))
    return all(
        os.path.exists(os.path.join(place, file)) for file in files if not file.endswith(".pyc")
    )

there = {canonicalize_name(facts._path.name.partition("-")[0]): facts for facts in distributions()}
for lock in sys.argv[1:]:
    with open(lock, encoding="utf-8") as file:
        lines = [line.rstrip("\\ \n") for line in file if line[:1].isalnum()]
    for requirement in map(Requirement, lines):
        if requirement.marker is None or requirement.marker.evaluate():
            name = canonicalize_name(requirement.name)
            if name not in there:
                print(name)
            elif not is_whole(there[name]):
                print(name, ascii(str(there[name]._path)), sep="\t")
"""


class Problem(Exception):
    """Something that the learner can put right; its text says how."""


def way_out(words):
    """Return what to do about the failure that `words` tell of."""
    for pattern, advice in WAYS_OUT:
        if re.search(pattern, words):
            return advice
    return (
        "The lines above say what failed. Put it right, then start workbook.py again. If that does "
        "not help, delete the folder {} before.".format(VENV)
    )


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


def damage(locks):
    """Return the libraries of `locks` that .venv lacks, or holds in part: name -> their facts."""
    command = [str(PYTHON), "-P", "-c", FIND_DAMAGE] + [str(ROOT / name) for name in locks]
    silence = {"stderr": subprocess.DEVNULL, "universal_newlines": True}
    try:
        found = subprocess.check_output(command, env=child_variables(), **silence)
    except subprocess.CalledProcessError:
        return {}  # this Python has no way to tell
    pairs = [line.partition("\t") for line in found.splitlines()]
    known = noted().split()
    return {
        name: facts and ast.literal_eval(facts) for name, _, facts in pairs if name not in known
    }


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
    is_environment = sign.exists() or STAMP.is_file()
    is_no_folder = os.path.lexists(str(VENV)) and not VENV.is_dir()
    holds_files = is_no_folder or any(path.is_file() for path in VENV.rglob("*"))
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


def fingerprint(name):
    """Return a digest that changes when the lock of that name must be installed again."""
    digest = hashlib.sha256(str(ROOT).encode("utf-8", "surrogateescape"))
    digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def noted():
    """Return what .venv holds, as the last install noted it."""
    return STAMP.read_text(encoding="ascii", errors="ignore") if STAMP.is_file() else ""


def is_ready(locks, wanted):
    """Tell whether .venv works, and holds all of `locks`, whose fingerprints are `wanted`."""
    return wanted <= set(noted().split()) and environment_works() and not damage(locks)


def prepare(*locks):
    """Make .venv hold what `locks` list. Does nothing when it does already."""
    wanted = {fingerprint(name) for name in locks}
    if not is_ready(locks, wanted):
        with one_at_a_time():
            if not is_ready(locks, wanted):  # the start before this one may have done it
                install(locks, wanted)
    if not succeeds(LINK, str(ROOT)):
        raise Problem(
            "The folder {} does not let itself be written. Delete it, then start workbook.py "
            "again.".format(VENV)
        )


def install(locks, wanted):
    """Install what `locks` list into .venv, made anew if need be."""
    before = noted()
    is_new = before == UNFINISHED or not environment_works()
    if is_new:
        make_environment()
        before = UNFINISHED  # if it fails, the next start may be of another Python
    else:
        forget({name: facts for name, facts in damage(locks).items() if facts})
    STAMP.write_text(UNFINISHED)
    options = ["--require-hashes"] + [word for name in locks for word in ("-r", name)]
    try:
        if not install_with_uv(options, is_new):
            run_quietly(module("pip", "install", "--no-input", *options), INSTALLING)
        left = damage(locks)
        if "" in left.values():
            raise Problem(
                "pip has put the libraries into another folder than .venv. Your settings of pip "
                "say so: take out target, prefix, root or dry-run. This shows where they are: "
                "python3 -m pip config debug. Then start workbook.py again."
            )
    except Problem:
        STAMP.write_text(before)  # pip undoes what it could not finish
        raise
    # A library whose files were never all there must not be installed at every start.
    STAMP.write_text("\n".join(sorted(wanted) + sorted(left)))


def forget(damaged):
    """Say which libraries are damaged, and remove their facts: so they will be installed again."""
    if damaged:
        print("Files are missing in .venv, of: {}.".format(", ".join(sorted(damaged))), flush=True)
    for facts in damaged.values():
        shutil.rmtree(facts)


def install_with_uv(options, is_new):
    """Install with uv what `options` say; tell whether it did. A new .venv is new if it did not."""
    variables = variables_of_uv()
    if variables is None:
        return False
    fetch = ("--no-input", "--retries=1", "--require-hashes", "-r", UV_LOCK)
    try:
        run_quietly(module("pip", "install", *fetch), "Fetching the installer ...")
    except Problem:
        return False  # pip says why, if it cannot do without
    uv = module("uv", "pip", "install", "--python", str(PYTHON), *options)
    try:
        run_quietly(uv, INSTALLING, **variables)
    except Problem:
        if is_new:
            make_environment()
        return False
    return True


def variables_of_uv():
    """Return the settings of pip as variables for uv; None if there is one that it cannot know."""
    # As pip does: the certificates of the computer, and the best release of all indexes.
    variables = {"UV_SYSTEM_CERTS": "1", "UV_INDEX_STRATEGY": "unsafe-best-match"}
    asked = module("pip", "config", "list")
    try:
        listed = subprocess.check_output(asked, env=child_variables(), universal_newlines=True)
    except subprocess.CalledProcessError:
        return None
    found = [re.match(r"(.+?)\.([\w-]+)=(.*)", line) for line in listed.splitlines()]
    settings = [match.groups() for match in found if match and match.group(1) in SECTIONS]
    for _, name, value in sorted(settings, key=lambda setting: SECTIONS.index(setting[0])):
        value = ast.literal_eval(value)
        if name in UV_VARIABLES:
            if name == "find-links":
                value = ",".join(value.split())
            elif name == "cache-dir":
                value = os.path.join(value, "uv")
            variables[UV_VARIABLES[name]] = value
        elif name == "no-cache-dir":
            variables["UV_NO_CACHE"] = "1" if is_on(value) else "0"
        elif name not in HARMLESS:
            return None
    return variables


def is_on(value):
    """Tell whether a switch of pip is set."""
    return value.lower() in ("1", "true", "yes", "on", "y", "t")


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
    prepare(LOCK)
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
    prepare(LOCK, TESTS_LOCK)
    if "--fast" in options:
        rest = [option for option in options if option != "--fast"]
        options = ["-m", "not slow", "-n", "2", "--dist", "loadfile"] + rest
    return hand_over(module("pytest", *options), str(ROOT))


def pacs(options):
    """Run the classroom server alone."""
    prepare(LOCK)
    return hand_over(server("classroom.pacs", *options))


def viewer(options):
    """Open a study of the classroom server in the OHIF viewer."""
    prepare(LOCK)
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
