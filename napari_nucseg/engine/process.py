"""The child process itself: how it is started, connected to and ended."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Listener
from pathlib import Path

from .messages import EngineError
from .session import new_session_folder, remove_abandoned_folders
from .transport import Channel

__all__ = ["ADDRESS_VARIABLE", "FOLDER_VARIABLE", "KEY_VARIABLE", "EngineProcess"]

#: Names of the environment variables from which the child knows how to connect.
ADDRESS_VARIABLE, KEY_VARIABLE = "NUCSEG_ENGINE_ADDRESS", "NUCSEG_ENGINE_KEY"
#: Name of the environment variable with the folder for large arrays.
FOLDER_VARIABLE = "NUCSEG_ENGINE_FOLDER"

_START_SECONDS = 120.0
_WAKE_SECONDS = 5.0
_TAIL = 1500
_LONGEST_SOCKET = 100  # bytes in the path of a socket; macOS allows 103


class EngineProcess:
    """A child process and the connection to it.

    Parameters
    ----------
    module : str
        What the child runs, as ``python -m``.

    Raises
    ------
    OSError
        If there is no room for temporary files, or no process can be started.
    """

    def __init__(self, module: str) -> None:
        #: Whether it has brought a task to an end.
        self.has_served = False
        self._channel: Channel | None = None
        key = secrets.token_bytes(32)
        # Whatever goes wrong, what was begun before is ended, the child too.
        with contextlib.ExitStack() as ends:
            self._stderr = ends.enter_context(tempfile.TemporaryFile())
            self._folder = new_session_folder()
            ends.callback(shutil.rmtree, self._folder, ignore_errors=True)
            self._listener = Listener(_address_in(self._folder), authkey=key)
            ends.callback(self._close_connection)
            self._accepting = threading.Thread(target=self._accept, daemon=True)
            self._accepting.start()
            self.process = self._start(module, key)
            ends.callback(self.kill)
            remove_abandoned_folders()
            self._ends = ends.pop_all()

    def _start(self, module: str, key: bytes) -> subprocess.Popen:
        environment = {
            **os.environ,
            ADDRESS_VARIABLE: str(self._listener.address),
            KEY_VARIABLE: key.hex(),
            FOLDER_VARIABLE: str(self._folder),
            "KERAS_BACKEND": "tensorflow",
        }
        return subprocess.Popen(
            [sys.executable, "-P", "-m", module],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self._stderr,
            stderr=self._stderr,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )

    def _accept(self) -> None:
        with contextlib.suppress(OSError, EOFError, AuthenticationError):
            connection = self._listener.accept()
            self._channel = Channel(connection, self._folder)
            # It leaves no socket on the disk.
            self._listener.close()

    def is_alive(self) -> bool:
        """Return whether the process runs."""
        return self.process.poll() is None

    def connect(self, give_up: Callable[[], bool]) -> Channel:
        """Wait until the child has connected.

        Parameters
        ----------
        give_up : callable
            Asked while waiting.

        Returns
        -------
        Channel
            To the child.

        Raises
        ------
        EngineError
            If the child ends before, or does not connect in time.
        """
        limit = time.monotonic() + _START_SECONDS
        while self._channel is None:
            self._accepting.join(timeout=0.05)
            refused = self._channel is None and not self._accepting.is_alive()
            if refused or not self.is_alive() or give_up() or time.monotonic() > limit:
                raise EngineError(
                    "The engine, which runs TensorFlow, could not start. Check the "
                    'installation with: python -c "import tensorflow"'
                )
        return self._channel

    def kill(self) -> None:
        """End the process. Any thread may call it, also when it has ended."""
        with contextlib.suppress(OSError):
            self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """End the process and free what it used; for the thread that uses the connection."""
        self._ends.close()

    def _close_connection(self) -> None:
        """Close the connection, or end the thread that still waits for one."""
        if self._accepting.is_alive():
            # To close the listener would not wake the thread: a connection does, which is
            # refused, as it does not know the key.
            with contextlib.suppress(OSError, EOFError):
                Client(self._listener.address).close()
            self._accepting.join(_WAKE_SECONDS)
        with contextlib.suppress(OSError):
            self._listener.close()
        if self._channel is not None:
            self._channel.close()

    def error_output(self) -> str:
        """Return the end of what the process has printed.

        Returns
        -------
        str
            Empty if the process was killed: then what it printed does not explain its end.
        """
        if self.process.poll() == -9:
            return ""
        with contextlib.suppress(OSError, ValueError):
            self._stderr.seek(0, os.SEEK_END)
            self._stderr.seek(max(0, self._stderr.tell() - _TAIL))
            return self._stderr.read().decode(errors="replace").strip()
        return ""


def _address_in(folder: Path) -> str | None:
    """Return where to put the socket: in the folder, so that it is removed with it.

    If the path would be too long for a socket, it is in ``/tmp`` until the child has
    connected. None on Windows, whose connections are no files.
    """
    if os.name == "nt":
        return None
    path = folder / "socket"
    fits = len(os.fsencode(path)) <= _LONGEST_SOCKET
    return str(path) if fits else f"/tmp/{folder.name}"
