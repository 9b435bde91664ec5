"""Which part of the package may import which: arrows go down, and through front doors."""

import ast
import functools
import graphlib
import importlib
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import pytest

import napari_nucseg
from napari_nucseg import corrections

PACKAGE = Path(napari_nucseg.__file__).parent

#: The wings, from the top to the bottom. Those of one rank do not import each other.
RANKS = (
    ("widgets", "cli"),
    ("__init__",),  # the public names of the package
    ("api",),
    ("engine",),
    ("network",),
    ("training",),
    ("measure", "corrections"),
    ("pipeline",),
    ("image",),
    ("registry",),
    ("support",),
)
RANK_OF = {wing: rank for rank, wings in enumerate(RANKS) for wing in wings}

#: Libraries that only one place may import, and where: a wing, or one module of it.
ONLY_IN = {
    "network.backend": ("keras", "tensorflow"),
    "widgets": ("magicgui", "napari", "pyqtgraph", "qtpy", "superqt", "vispy"),
}

#: The modules that may use TensorFlow itself, not only Keras.
USE_TENSORFLOW = ("network.loader", "network.predict")

#: Names in front doors that no other wing imports, and why they stand there all the same.
FOR_OTHERS = {
    "cli.main": "the command of setup.cfg",
    **{f"corrections.{name}": "programs that correct labels" for name in corrections.__all__},
    "engine.Engine": "programs and benchmarks that start an engine of their own",
    "image.Species": "programs that simulate tissue",
    "image.Stain": "programs that simulate tissue",
    "image.TissueKind": "programs that simulate tissue",
    "image.simulate_movie": "programs that simulate movies",
    "image.simulate_stack": "programs that simulate stacks",
    "image.simulate_tissue": "programs that simulate tissue",
}

#: As many files and folders as a person sees at one glance.
GROUND_PLAN = 14
NOT_ROOMS = {"__pycache__", "py.typed"}  # the marker for type checkers is no room


class Import(NamedTuple):
    """One import, as found in a file: from which module, of which module, and where."""

    source: str
    target: str
    line: int

    def __str__(self):
        return f"{self.source} imports {self.target} (line {self.line})"


# Reading


def modules_of(package):
    """Return the file of every module by its name inside the package, ``image.field``."""
    files = {}
    for path in sorted(package.rglob("*.py")):
        *folders, stem = path.relative_to(package).with_suffix("").parts
        if folders and stem == "__init__":
            files[".".join(folders)] = path
        else:
            files[".".join([*folders, stem])] = path
    return files


def read_imports(package):
    """Return the imports of own modules, and those of other packages.

    Those inside of functions count, those for type checkers only, and those of
    ``import_module("name")``.
    """
    files = modules_of(package)
    own, foreign = [], []
    for source, name, line in imports_by_name(package):
        first, _, rest = name.partition(".")
        if first != package.name:
            foreign.append(Import(source, name, line))
        else:
            own.append(Import(source, longest_module(rest, files), line))
    return list(dict.fromkeys(own)), list(dict.fromkeys(foreign))


def imports_by_name(package):
    """Return the imports, each of the full name of what is imported."""
    found = []
    for source, path in modules_of(package).items():
        inside = [package.name, *source.split(".")]
        if path.name == "__init__.py":
            inside = [package.name, *path.relative_to(package).parts[:-1], "__init__"]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found += [
                Import(source, name, node.lineno) for name in imported_names(node, inside)
            ]
    return found


def attributes_of_wings(package):
    """Return the wing and the name of ``registry.load_model``, and where it stands."""
    return [
        Import(source, f"{package.name}.{ast.unparse(node)}", node.lineno)
        for source, path in modules_of(package).items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in RANK_OF
    ]


def front_doors(package):
    """Return the names in the front door of each wing: its ``__all__``, or what it imports."""
    doors = {}
    for path in sorted(package.glob("*/__init__.py")):
        told = [
            ast.literal_eval(node.value)
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        ]
        doors[path.parent.name] = told[0] if told else sorted(names_in(path))
    return doors


def imported_names(node, inside):
    """Return the full names that a node of the syntax tree imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = inside[: -node.level] if node.level else []
        base = [*base, *(node.module or "").split(".")] if node.module else base
        return [".".join([*base, alias.name]) for alias in node.names]
    if isinstance(node, ast.Call) and node.args:
        function = ast.unparse(node.func).rpartition(".")[2]
        first = node.args[0]
        if function in ("import_module", "__import__") and isinstance(first, ast.Constant):
            name = str(first.value)
            dots = len(name) - len(name.lstrip("."))
            base = inside[:-dots] if dots else []
            return [".".join([*base, name[dots:]])]
    return []


def longest_module(name, files):
    """Return the module that a name belongs to: ``image.Field`` to ``image``.

    ``pipeline.normalize`` is a module, but where the front door of `pipeline` names a
    function like that, the function is what one gets.
    """
    parts = name.split(".")
    owner = ".".join(parts[:-1])
    door = files.get(owner)
    if door and door.name == "__init__.py" and parts[-1] in names_in(door):
        return owner
    while parts and ".".join(parts) not in files:
        parts.pop()
    return ".".join(parts) or "__init__"


def names_in(path):
    """Return the names that a file imports from modules."""
    return names_imported_by(path.read_text(encoding="utf-8"))


@functools.cache
def names_imported_by(source):
    return {
        alias.asname or alias.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def wing_of(module):
    return module.partition(".")[0]


# The rules. Each returns what breaks it, in words.


def unknown_wings(own):
    wings = {wing_of(one.source) for one in own} | {wing_of(one.target) for one in own}
    return [f"{wing} has no rank" for wing in sorted(wings - set(RANK_OF))]


def upward(own):
    return [
        f"{one}: that goes up"
        for one in own
        if wing_of(one.source) != wing_of(one.target)
        and RANK_OF.get(wing_of(one.source), 0) >= RANK_OF.get(wing_of(one.target), 99)
    ]


def past_the_front_door(own):
    return [
        f"{one}: import it from {wing_of(one.target)}"
        for one in own
        if wing_of(one.source) != wing_of(one.target) and "." in one.target
    ]


def graph_of(own, name=lambda module: module):
    """Return for each module, or wing, those that it imports."""
    graph = defaultdict(set)
    for one in own:
        if name(one.source) != name(one.target):
            graph[name(one.source)].add(name(one.target))
    return graph


def cycles(own):
    found = []
    for what, name in (("modules", lambda module: module), ("wings", wing_of)):
        try:
            graphlib.TopologicalSorter(graph_of(own, name)).prepare()
        except graphlib.CycleError as error:
            way = " -> ".join(reversed(error.args[1]))
            found.append(f"{what} import each other in a circle: {way}")
    return found


def libraries_out_of_place(foreign):
    found = []
    for place, libraries in ONLY_IN.items():
        for one in foreign:
            allowed = one.source == place or one.source.startswith(f"{place}.")
            if wing_of(one.target) in libraries and not allowed:
                found.append(f"{one}: only {place} may")
    return found


def tensorflow_out_of_place(package):
    return [
        f"{one}: use a function of network.backend"
        for one in imports_by_name(package)
        if one.target == f"{package.name}.network.backend.tf"
        and one.source not in USE_TENSORFLOW
    ]


def names_that_nobody_imports(package):
    used = {
        one.target
        for one in [*imports_by_name(package), *attributes_of_wings(package)]
        if wing_of(one.source) != wing_of(one.target.partition(".")[2])
    }
    return [
        f"{wing} names {name}, which no other wing imports"
        for wing, names in front_doors(package).items()
        for name in names
        if f"{package.name}.{wing}.{name}" not in used and f"{wing}.{name}" not in FOR_OTHERS
    ]


def crowd(package):
    seen = sorted(path.name for path in package.iterdir() if path.name not in NOT_ROOMS)
    if len(seen) <= GROUND_PLAN:
        return []
    return [f"Expected at most {GROUND_PLAN} files and folders, got {len(seen)}: {seen}"]


def violations(package):
    own, foreign = read_imports(package)
    return [
        *unknown_wings(own),
        *upward(own),
        *past_the_front_door(own),
        *cycles(own),
        *libraries_out_of_place(foreign),
        *tensorflow_out_of_place(package),
        *names_that_nobody_imports(package),
        *crowd(package),
    ]


# The package itself


def test_arrows_of_the_package_go_down():
    own, _ = read_imports(PACKAGE)
    graph = graph_of(own, wing_of)
    for wing in sorted(graph, key=lambda wing: RANK_OF.get(wing, 0)):
        targets = sorted(graph[wing], key=lambda wing: RANK_OF.get(wing, 0))
        print(f"{wing:>10} -> {', '.join(targets)}")
    found = violations(PACKAGE)
    assert not found, "\n".join(["", *found])


def test_what_front_doors_name_is_there():
    for wing, names in front_doors(PACKAGE).items():
        module = importlib.import_module(f"napari_nucseg.{wing}")
        assert [name for name in names if not hasattr(module, name)] == []


def test_exceptions_of_front_doors_are_needed():
    names = {f"{wing}.{name}" for wing, found in front_doors(PACKAGE).items() for name in found}
    used = {
        one.target.partition(".")[2]
        for one in imports_by_name(PACKAGE)
        if wing_of(one.source) != wing_of(one.target.partition(".")[2])
    }
    assert set(FOR_OTHERS) <= names
    # Those of corrections are for programs, whether the window uses them or not.
    assert not {one for one in FOR_OTHERS if not one.startswith("corrections.")} & used


# The rules, on made-up packages


@pytest.fixture
def package(tmp_path):
    """A function that writes a package, from the text of each of its files."""

    def write(files):
        folder = tmp_path / "made_up"
        for name, text in {**GOOD, **files}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return folder

    return write


GOOD = {
    "__init__.py": "from .api import segment",
    "api.py": "from .image import Image\nfrom .pipeline import find",
    "pipeline/__init__.py": "from .tiles import find\nfrom .normalize import normalize",
    "pipeline/normalize.py": "def normalize(): pass",
    "pipeline/tiles.py": "import numpy\nfrom ..image import Image\nfrom . import maps",
    "pipeline/maps.py": "from made_up.support import text",
    "image/__init__.py": "from .field import Image",
    "image/field.py": "def read():\n    from ..support import text",
    "support/__init__.py": "text = ''",
    "network/__init__.py": "",
    "network/backend.py": "import keras",
    "network/architectures/__init__.py": "from .unet import UNet",
    "network/architectures/unet.py": "from ..backend import keras\nfrom ...image import Image",
    "widgets/__init__.py": "",
    "widgets/dock.py": "import qtpy.QtCore\nfrom ..pipeline import normalize",
}


def test_good_package_breaks_no_rule(package):
    assert violations(package({})) == []


def test_imports_are_read_wherever_they_are(package):
    own, foreign = read_imports(package({}))
    arrows = {(one.source, one.target) for one in own}
    assert arrows == {
        ("__init__", "api"),
        ("api", "image"),
        ("api", "pipeline"),
        ("pipeline", "pipeline.tiles"),
        ("pipeline", "pipeline.normalize"),
        ("pipeline.tiles", "image"),
        ("pipeline.tiles", "pipeline.maps"),
        ("pipeline.maps", "support"),
        ("image", "image.field"),
        ("image.field", "support"),
        ("network.architectures", "network.architectures.unet"),
        ("network.architectures.unet", "network.backend"),
        ("network.architectures.unet", "image"),
        ("widgets.dock", "pipeline"),
    }
    assert {one.target for one in foreign} == {"numpy", "keras", "qtpy.QtCore"}


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (
            {"support/text.py": "from ..image import Image"},
            "support.text imports image (line 1)",
        ),
        (
            {"support/text.py": "def f():\n    from ..image import Image"},
            "(line 2): that goes up",
        ),
        (
            {"support/text.py": "if TYPE_CHECKING:\n    from ..image import Image"},
            "(line 2): that goes up",
        ),
        ({"support/text.py": "import made_up.image"}, "that goes up"),
        ({"support/text.py": "import_module('made_up.image')"}, "that goes up"),
        ({"support/text.py": "importlib.import_module('..image', x)"}, "that goes up"),
        ({"cli/__init__.py": "from ..widgets import dock"}, "that goes up"),
        ({"api.py": "from . import segment"}, "api imports __init__ (line 1): that goes up"),
        ({"gadgets/__init__.py": "from ..support import text"}, "gadgets has no rank"),
        ({"api.py": "from .image.field import Image"}, "import it from image"),
        ({"api.py": "from .image import field"}, "import it from image"),
        ({"api.py": "import made_up.image.field"}, "import it from image"),
        (
            {"image/field.py": "from ..pipeline import find"},
            "wings import each other in a circle: ",
        ),
        (
            {"pipeline/maps.py": "from .tiles import find"},
            "modules import each other in a circle: ",
        ),
        ({"image/field.py": "from ..image import Image"}, "image -> image.field -> image"),
        (
            {"image/field.py": "from .a import b", "image/a.py": "from .field import c"},
            "modules import each other in a circle: ",
        ),
        (
            {
                "image/field.py": "from .a import x",
                "image/a.py": "def f():\n    from .b import x",
                "image/b.py": "if TYPE_CHECKING:\n    from .field import Image",
            },
            "modules import each other in a circle: ",
        ),
        ({"api.py": "def f():\n    import tensorflow as tf"}, "only network.backend may"),
        ({"network/fit.py": "from keras import layers"}, "only network.backend may"),
        ({"network/fit.py": "from .backend import tf"}, "use a function of network.backend"),
        (
            {"image/__init__.py": "from .field import Image, crop"},
            "image names crop, which no other wing imports",
        ),
        (
            {"image/__init__.py": "from .field import Image\n__all__ = ['Image', 'crop']"},
            "image names crop, which no other wing imports",
        ),
        ({"api.py": "import_module('keras.layers')"}, "only network.backend may"),
        ({"cli/__init__.py": "from napari.layers import Image"}, "only widgets may"),
        ({"image/field.py": "from qtpy.QtCore import Qt"}, "only widgets may"),
        ({"image/field.py": "import magicgui"}, "only widgets may"),
        ({"image/field.py": "import superqt"}, "only widgets may"),
        ({"image/field.py": "import pyqtgraph"}, "only widgets may"),
        (
            {f"{letter}.txt": "" for letter in "abcdefghi"},
            "Expected at most 14 files and folders, got 16",
        ),
    ],
    ids=lambda value: None if isinstance(value, str) else "+".join(value)[:30],
)
def test_bad_package_is_told(package, files, says):
    found = violations(package(files))
    assert any(says in one for one in found), found
