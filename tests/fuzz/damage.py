"""Damage to small files: what disks, networks and strangers do to them."""

import contextlib
import struct
import warnings

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

#: Numbers that lengths and offsets are confused by.
ODD = (0, 1, 7, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 10**6, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)

#: Of the tests as they run with all others.
_SHORT = {
    "max_examples": 40,
    "deadline": 5000,
    "suppress_health_check": [HealthCheck.function_scoped_fixture],
}


def often(examples=_SHORT["max_examples"]):
    """Settings of a test: few examples, unless the profile for long runs is chosen."""
    if settings.get_current_profile_name() == "fuzz":
        return settings()
    return settings(**{**_SHORT, "max_examples": examples})


@st.composite
def damaged(draw, whole):
    """Change a file in one to three places."""
    content = bytearray(draw(st.sampled_from(whole)))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(0, len(content) - 1)))
        # Most of what matters is at the beginning, or at the end.
        place = draw(st.sampled_from([place, place % 200, len(content) - 1 - place % 300]))
        _change(draw, content, max(0, place))
    return bytes(content)


def _change(draw, content, place):
    kind = draw(st.sampled_from(["byte", "number", "short", "cut", "zeros", "repeat", "drop"]))
    if kind == "byte":
        content[place : place + 1] = bytes([draw(st.integers(0, 255))])
    elif kind in ("number", "short"):
        number, order = draw(st.sampled_from(ODD)), draw(st.sampled_from("<>"))
        packed = struct.pack(f"{order}I", number)
        if kind == "short":
            packed = struct.pack(f"{order}H", number & 0xFFFF)
        content[place : place + len(packed)] = packed
    elif kind == "cut":
        del content[place:]
    else:
        length = draw(st.integers(1, 64))
        part = content[place : place + length]
        new = {"zeros": bytes(len(part)), "repeat": part + part, "drop": b""}[kind]
        content[place : place + length] = new


@contextlib.contextmanager
def clean(path):
    """Let only errors pass that are meant, and errors and warnings that name the file."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            yield
        except (ValueError, OSError, TypeError) as error:
            assert str(path) in str(error), f"no name of the file: {error}"
    for one in told:
        assert str(path) in str(one.message), f"no name of the file: {one.message}"
