"""Commands and their options, made out of parameter objects."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from ..registry import DEFAULT_MODEL
from ..support import Parameter, Parameters, parameters_of

__all__ = ["add_axes", "add_command", "add_model", "add_parameters", "given"]


def add_command(commands: Any, name: str, run: Callable[[Any], int], text: str) -> Any:
    """Add a command.

    Parameters
    ----------
    commands : argparse subparsers
        Where to.
    name : str
        What it is called by.
    run : callable
        Given the options, does the work and returns the exit status.
    text : str
        What it does; the first sentence is shown in the list of commands.

    Returns
    -------
    argparse.ArgumentParser
        For its arguments.
    """
    first = text.split(". ", maxsplit=1)[0].rstrip(".")
    command = commands.add_parser(name, help=f"{first}.", description=text)
    command.set_defaults(run=run)
    return command


def add_model(command: Any, text: str, *, optional: bool = False) -> None:
    """Add the option for a model, which is the bundled one when it is left out.

    Parameters
    ----------
    command : argparse.ArgumentParser
        Where to.
    text : str
        What it is for.
    optional : bool, optional
        Whether None says that it was left out, in place of the name of the bundled one.
    """
    command.add_argument(
        "--model",
        default=None if optional else DEFAULT_MODEL,
        metavar="NAME|DIR",
        help=f"{text} Default: {DEFAULT_MODEL}.",
    )


def add_axes(command: Any) -> None:
    """Add the option for the axes of images.

    Parameters
    ----------
    command : argparse.ArgumentParser
        Where to.
    """
    command.add_argument(
        "--axes",
        default="",
        help="A letter for each axis of the images: T (time), C (channel), Z (depth), Y, X and "
        "S (the samples of a color), such as TZYX; left out, they are those that the files "
        "name, or guessed.",
    )


def add_parameters(
    command: Any, parameters: Parameters, *, defaults: bool = True, named: Sequence[str] = ()
) -> None:
    """Add an option for each parameter of a parameter object.

    Parameters
    ----------
    command : argparse.ArgumentParser
        Where to.
    parameters : Parameters
        The object; what it says of a parameter is the help of the option.
    defaults : bool, optional
        Whether the help tells the defaults.
    named : sequence of str, optional
        Parameters of which the value may also be a name; it is left as a text then.
    """
    for declared in parameters_of(type(parameters)):
        about = declared.description
        if declared.unit:
            about += f" In {declared.unit}."
        yes_or_no = declared.kind is bool
        if defaults and declared.default is not None and not yes_or_no:
            about += f" Default: {declared.default}."
        name = f"--{declared.name.replace('_', '-')}"
        how: dict[str, Any] = {"type": _reader(declared), "metavar": "N"}
        if declared.name in named:
            how = {"type": _number_or_name(declared), "metavar": "N|NAME"}
        if yes_or_no:
            how = {"action": "store_true"}
        command.add_argument(name, default=argparse.SUPPRESS, help=about, **how)


def _reader(declared: Parameter) -> Callable[[str], Any]:
    """Return what reads the value of one parameter, and refuses one out of its range."""

    def read(text: str) -> Any:
        value = declared.kind(text)
        try:
            return declared.check(value)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    read.__name__ = declared.kind.__name__  # argparse says "invalid int value"
    return read


def _number_or_name(declared: Parameter) -> Callable[[str], Any]:
    """Return what reads the value of a parameter, and returns a text that is no number."""
    number = _reader(declared)

    def read(text: str) -> Any:
        try:
            int(text)
        except ValueError:
            return text
        return number(text)

    return read


def given(options: Any, kind: type) -> dict[str, Any]:
    """Return the parameters that were given on the command line.

    Parameters
    ----------
    options : argparse.Namespace
        What was parsed.
    kind : type
        Of the parameter object.

    Returns
    -------
    dict
        Values by name, for those that were given.
    """
    names = [declared.name for declared in parameters_of(kind)]
    return {name: getattr(options, name) for name in names if hasattr(options, name)}
