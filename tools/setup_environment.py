"""Make the environment `.venv` with everything that `make` needs, and do it quietly.

Needs nothing but Python. On Linux the libraries of the system that a window needs are
looked for; as root on Debian and its like they are installed, otherwise the one command
that installs them is printed.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
LOG = ROOT / "build" / "setup.log"
OLDEST_PYTHON = (3, 11)
SIGN_OF_LIFE = 30  # seconds

#: What Qt and OpenGL load from the system, and the Debian package that has it.
LIBRARIES = {
    "libdbus-1.so.3": "libdbus-1-3",
    "libEGL.so.1": "libegl1",
    "libfontconfig.so.1": "libfontconfig1",
    "libGL.so.1": "libgl1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}


class SetupError(Exception):
    """Something only the person can put right."""


def main() -> int:
    """Run the script.

    Returns
    -------
    int
        Exit status.
    """
    started = time.monotonic()
    LOG.parent.mkdir(exist_ok=True)
    LOG.write_bytes(b"")
    try:
        _check_python()
        _add_packages(_missing_packages())
        _make_environment()
        _install()
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    print(f"setup: done in {time.monotonic() - started:.0f} s", flush=True)
    return 0


def _check_python() -> None:
    if sys.version_info < OLDEST_PYTHON:
        raise SetupError(
            f"Expected Python {'.'.join(map(str, OLDEST_PYTHON))} or newer, got "
            f"{sys.version.split()[0]} ({sys.executable}). Name another one: "
            f"make PYTHON=/path/to/python3.12"
        )


def _missing_packages() -> list[str]:
    """Return the Debian packages that lack on this system."""
    missing = []
    if importlib.util.find_spec("ensurepip") is None:
        missing.append(f"python{sys.version_info[0]}.{sys.version_info[1]}-venv")
    if sys.platform != "linux":
        return missing
    missing += [package for name, package in LIBRARIES.items() if not _loads(name)]
    if not (os.environ.get("DISPLAY") or shutil.which("Xvfb")):
        missing.append("xvfb")
    # Without a single font, text in a window is empty boxes.
    fonts = Path("/usr/share/fonts")
    if not (fonts.is_dir() and any(fonts.rglob("*.[to]tf"))):
        missing.append("fonts-dejavu-core")
    return missing


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _add_packages(packages: list[str]) -> None:
    """Install packages of the system, or say how."""
    if not packages:
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if not shutil.which("apt-get"):
        print(
            f"setup: this system may lack what Debian calls {', '.join(packages)}; "
            f"if a window does not open, install them.",
            flush=True,
        )
        return
    if os.geteuid() != 0:
        raise SetupError(
            f"Expected some packages of the system that are missing. Run this once, then "
            f"make again:\n    sudo {' '.join(command)}"
        )
    print(f"setup: installing {' '.join(packages)}", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # Lists of packages may be old or absent; if they cannot be renewed, old ones may do.
    _logged(["apt-get", "update"], quiet, check=False)
    _logged(command, quiet)


def _make_environment() -> None:
    python = _environment_python()
    if python.exists() and _version_of(python) == sys.version_info[:2]:
        return
    print(f"setup: making {ENVIRONMENT.name} with Python {sys.version.split()[0]}", flush=True)
    _logged([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)])


def _version_of(python: Path) -> tuple[int, ...] | None:
    code = "import pip, sys; print(*sys.version_info[:2])"
    answer = subprocess.run([python, "-c", code], check=False, capture_output=True, text=True)
    return tuple(map(int, answer.stdout.split())) if answer.returncode == 0 else None


def _install() -> None:
    print("setup: installing napari-nucseg and what it needs (minutes)", flush=True)
    pip = [str(_environment_python()), "-m", "pip", "--disable-pip-version-check"]
    _logged([*pip, "install", "--editable", f"{ROOT}[all,dev]"])


def _environment_python() -> Path:
    if sys.platform == "win32":
        return ENVIRONMENT / "Scripts" / "python.exe"
    return ENVIRONMENT / "bin" / "python"


def _logged(
    command: list[str], environment: dict[str, str] | None = None, *, check: bool = True
) -> None:
    """Run a command with its output in the log, and show the log's end if it fails."""
    with (
        open(LOG, "ab") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process,
    ):
        began, status = time.monotonic(), None
        while status is None:
            try:
                status = process.wait(SIGN_OF_LIFE)
            except subprocess.TimeoutExpired:
                seconds = time.monotonic() - began
                print(f"setup: still at it after {seconds:.0f} s", flush=True)
    if status and check:
        tail = LOG.read_text(errors="replace").splitlines()[-25:]
        raise SetupError(
            "\n".join(
                [
                    f"This failed with status {status}: {' '.join(command)}",
                    *tail,
                    f"The whole output is in {LOG}.",
                ]
            )
        )


if __name__ == "__main__":
    sys.exit(main())
