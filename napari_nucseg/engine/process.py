"""The child process itself: started, called, listened to, killed."""

from __future__ import annotations

import contextlib
import os
import pickle
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener

__all__ = ["ADDRESS_VARIABLE", "KEY_VARIABLE", "EngineError", "EngineProcess"]

#: Names of the environment variables that tell the child where to call.
ADDRESS_VARIABLE, KEY_VARIABLE = "NUCSEG_ENGINE_ADDRESS", "NUCSEG_ENGINE_KEY"

_START_SECONDS = 120.0
_TAIL = 1500


class EngineError(RuntimeError):
    """The engine process ended in the middle of a job, or could not start."""


class EngineProcess:
    """A child process and the connection to it.

    Parameters
    ----------
    module : str
        What the child runs, as ``python -m``.
    """

    def __init__(self, module: str) -> None:
        #: Whether it has brought a task to an end.
        self.has_served = False
        key = secrets.token_bytes(32)
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the child)
        self._listener = Listener(authkey=key)
        self._connection: Connection | None = None
        environment = {
            **os.environ,
            ADDRESS_VARIABLE: str(self._listener.address),
            KEY_VARIABLE: key.hex(),
            "KERAS_BACKEND": "tensorflow",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", module],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self._stderr,
            stderr=self._stderr,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError, EOFError, AuthenticationError):
            self._connection = self._listener.accept()

    def is_alive(self) -> bool:
        """Return whether the process runs."""
        return self.process.poll() is None

    def connect(self, give_up: Callable[[], bool]) -> Connection:
        """Wait until the child has called.

        Parameters
        ----------
        give_up : callable
            Asked while waiting.

        Returns
        -------
        Connection
            To the child.

        Raises
        ------
        EngineError
            If it ends before, or does not call in time.
        """
        limit = time.monotonic() + _START_SECONDS
        while self._connection is None:
            self._accepting.join(timeout=0.05)
            refused = self._connection is None and not self._accepting.is_alive()
            if refused or not self.is_alive() or give_up() or time.monotonic() > limit:
                raise EngineError(
                    "The engine, which runs TensorFlow, could not start. Check the "
                    'installation with: python -c "import tensorflow"'
                )
        return self._connection

    def ask_to_stop(self) -> None:
        """Tell the child that its task should end early."""
        connection = self._connection
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.send_bytes(pickle.dumps(("stop", None, None), protocol=5))

    def kill(self) -> None:
        """End the process and give everything back."""
        with contextlib.suppress(OSError):
            self.process.kill()
        self.process.wait()
        for end in (self._connection, self._listener):
            if end is not None:
                with contextlib.suppress(OSError):
                    end.close()

    def last_words(self) -> str:
        """Return the end of what the process wrote, unless it was killed from outside."""
        if self.process.poll() == -9:
            return ""
        with contextlib.suppress(OSError, ValueError):
            self._stderr.seek(0, os.SEEK_END)
            self._stderr.seek(max(0, self._stderr.tell() - _TAIL))
            return self._stderr.read().decode(errors="replace").strip()
        return ""
