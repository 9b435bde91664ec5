"""Run a command with a display: the one there is, or else a virtual one (Xvfb)."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

SCREEN = "1920x1080x24"


def main() -> int:
    """Run the command that is given as arguments.

    Returns
    -------
    int
        Exit status of the command.
    """
    with display() as name:
        environment = {**os.environ, **({"DISPLAY": name} if name else {})}
        return subprocess.run(sys.argv[1:], check=False, env=environment).returncode


@contextlib.contextmanager
def display() -> Iterator[str]:
    """Provide a display for as long as the context lasts.

    Yields
    ------
    str
        Name of a virtual display, or "" if there was a real one.

    Raises
    ------
    RuntimeError
        If there is neither a display nor a way to make one.
    """
    if has_display():
        yield ""
        return
    if not shutil.which("Xvfb"):
        raise RuntimeError("Expected a display, or Xvfb to make one. Install the package xvfb.")
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", SCREEN]
    command += ["-nolisten", "tcp", "-noreset"]
    server = subprocess.Popen(
        command, pass_fds=[writing], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(writing)
    try:
        with open(reading) as answer:
            number = answer.readline().strip()
        if not number:
            raise RuntimeError(f"Expected Xvfb to start; it did not: {' '.join(command)}")
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()


def has_display() -> bool:
    """Return whether windows can be seen on this machine.

    Returns
    -------
    bool
        Always true where there is no X11.
    """
    if sys.platform != "linux":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


if __name__ == "__main__":
    sys.exit(main())
