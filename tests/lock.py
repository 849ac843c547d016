"""Make the locks anew from the lists that people write, and the copy that Binder installs.

    .venv/bin/python tests/lock.py [--upgrade]

It needs the network. What the lists do not pin keeps its version, but with --upgrade.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import workbook

# For every Python and computer. Only what is ready-made: a build would fetch what no lock names.
EVERYWHERE = ("--universal", "--python-version=3.11")
# What mybinder.org builds, beside the JupyterLab of its own: see .ci/binder.
BINDER = ("--python-version=3.12", "--python-platform=x86_64-manylinux_2_28")
BINDER += ("--constraints=.ci/binder.txt",)

# A lock -> what it is made from.
LOCKS = {
    workbook.LOCK: ("requirements.txt", *EVERYWHERE),
    workbook.TESTS_LOCK: (
        "requirements.txt",
        "tests/requirements.txt",
        f"--constraints={workbook.LOCK}",
        *EVERYWHERE,
    ),
    "binder/requirements.txt": ("requirements.txt", *BINDER),
    workbook.UV_LOCK: ("-", *EVERYWHERE),
}


def main():
    for lock, options in LOCKS.items():
        command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--generate-hashes"]
        command += ["--only-binary=:all:", "--emit-build-options", "--annotation-style=line"]
        command += ["--custom-compile-command=python tests/lock.py", f"--output-file={lock}"]
        subprocess.run(
            [*command, *options, *sys.argv[1:]], cwd=ROOT, input=workbook.UV, text=True, check=True
        )
        print(lock)


if __name__ == "__main__":
    main()
