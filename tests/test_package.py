"""The package as a whole: what it loads, what is inside it, how it is documented."""

import ast
import dataclasses
import importlib.metadata
import importlib.resources
import inspect
import re
import subprocess
import sys
import typing
from pathlib import Path

import pytest

import napari_nucseg
from napari_nucseg.network.predict import load_network
from napari_nucseg.registry.store import CARD_FILE, WEIGHTS_FILE, list_models, load_model

PACKAGE = Path(napari_nucseg.__file__).parent
ROOT = Path(__file__).parent.parent
MODULES = sorted(PACKAGE.rglob("*.py"))

#: Methods that Qt and Keras call, and the owner of a widget: they describe those themselves.
OF_FRAMEWORKS = {"event", "showEvent", "closeEvent", "eventFilter", "call", "parent"}


def names_of(modules):
    return [str(module.relative_to(PACKAGE)) for module in modules]


def loaded_by(statement):
    """Return the packages that a statement loads in a process of its own."""
    script = f"{statement}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


def test_importing_the_package_is_light():
    heavy = {"tensorflow", "keras", "napari", "qtpy", "PyQt6", "numpy", "skimage", "vispy"}
    assert not heavy & loaded_by("import napari_nucseg")


def test_only_the_network_needs_tensorflow_and_only_the_widgets_need_a_window():
    statement = "\n".join(
        "import " + ".".join(["napari_nucseg", *module.relative_to(PACKAGE).parts])[:-3]
        for module in MODULES
        if not {"network", "widgets"} & {*module.relative_to(PACKAGE).parts}
        and module.stem[0] != "_"
    )
    loaded = loaded_by(statement + "\nfrom napari_nucseg import *")
    assert "numpy" in loaded
    assert not loaded & {"tensorflow", "keras", "napari", "qtpy", "PyQt6", "vispy", "magicgui"}


def test_every_public_name_is_there():
    for name in napari_nucseg.__all__:
        assert getattr(napari_nucseg, name).__name__ == name
        assert name in dir(napari_nucseg)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = napari_nucseg.no_such_name


def ours_in(annotation):
    """Yield the classes of the package that an annotation names."""
    for part in typing.get_args(annotation):
        yield from ours_in(part)
    if getattr(annotation, "__module__", "").startswith("napari_nucseg"):
        yield annotation


def functions_of(one):
    """Yield a function, or the public methods and properties of a class."""
    if not inspect.isclass(one):
        yield one
        return
    for name in dir(one):
        member = inspect.getattr_static(one, name)
        member = getattr(member, "fget", None) or getattr(member, "func", member)
        member = getattr(member, "__func__", member)
        ours = str(getattr(member, "__module__", "")).startswith("napari_nucseg")
        if not name.startswith("_") and inspect.isfunction(member) and ours:
            yield member


def test_types_in_public_signatures_are_public():
    """Those of functions, methods, properties, and the fields of dataclasses."""
    public = [getattr(napari_nucseg, name) for name in napari_nucseg.__all__]
    assert any(inspect.isfunction(one) for one in public)
    missing = set()
    for one in public:
        for typed in [*functions_of(one), *([one] if dataclasses.is_dataclass(one) else [])]:
            hints = typing.get_type_hints(typed).values()
            missing |= {
                f"{kind.__name__} of {typed.__qualname__}"
                for hint in hints
                for kind in ours_in(hint)
                if kind not in public
            }
    assert sorted(missing) == []


def test_types_in_public_docstrings_are_public():
    classes = {
        node.name
        for module in MODULES
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    }
    assert "Field" in classes
    missing = set()
    for name in napari_nucseg.__all__:
        one = getattr(napari_nucseg, name)
        for documented in {one, *functions_of(one)}:
            types = re.findall(r"^ *\w[\w, ]* : (.*)$", inspect.getdoc(documented) or "", re.M)
            named = {word for text in types for word in re.findall(r"\w+", text)}
            missing |= {
                f"{word} of {documented.__qualname__}"
                for word in (named & classes) - set(napari_nucseg.__all__)
            }
    assert sorted(missing) == []


def test_version_is_that_of_the_installed_package():
    assert importlib.metadata.version("napari-nucseg") == napari_nucseg.__version__


def test_napari_finds_a_valid_manifest():
    (entry,) = (
        point
        for point in importlib.metadata.entry_points(group="napari.manifest")
        if point.name == "napari-nucseg"
    )
    package, _, name = entry.value.partition(":")
    manifest = importlib.resources.files(package) / name
    command = [sys.executable, "-m", "npe2", "validate", str(manifest)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_commands_of_the_manifest_exist():
    manifest = (PACKAGE / "napari.yaml").read_text(encoding="utf-8")
    commands = re.findall(r"python_name: (\S+):(\S+)", manifest)
    assert commands
    for module, name in commands:
        path = PACKAGE.joinpath(*module.split(".")[1:]).with_suffix(".py")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert name in [getattr(node, "name", "") for node in tree.body]


@pytest.mark.parametrize("file", MODULES, ids=names_of(MODULES))
def test_public_names_are_documented_with_their_parameters(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "the module has no docstring"
    for owner, node in public_definitions(tree):
        text = ast.get_docstring(node)
        if isinstance(node, ast.ClassDef) and text and bases_explain(node):
            continue
        assert text, f"{owner}{node.name} has no docstring"
        names = [] if node.name in OF_FRAMEWORKS else parameters_of(node)
        missing = [name for name in names if not re.search(rf"\b{name}\b", text)]
        assert not missing, f"the docstring of {owner}{node.name} lacks {missing}"


def names_in(tree):
    """Return what a module or class defines, imports or declares."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.id if isinstance(node, ast.Name) else node.attr)
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def homes():
    """Return what there is in the modules, wings and classes of the package, by their name."""
    found = {}
    for module in MODULES:
        tree = ast.parse(module.read_text(encoding="utf-8"))
        name = module.parent.name if module.stem == "__init__" else module.stem
        classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
        for home, node in [(name, tree), *((one.name, one) for one in classes)]:
            found.setdefault(home, set()).update(names_in(node))
    return found


def test_docstrings_and_comments_name_what_exists():
    """References such as `tiles.pad_to_stride`."""
    known, missing = homes(), []
    assert "resolve" in known["network"]
    for module in MODULES:
        text = module.read_text(encoding="utf-8")
        for home, name in re.findall(r"(?<!`)`(\w+)\.(\w+)`(?!`)", text):
            if name not in known.get(home, ()):
                missing.append(f"{module.name}: {home}.{name}")
    assert missing == []


def public_definitions(tree, owner=""):
    """Yield the public classes, functions and methods with the name of their class."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    for node in tree.body:
        if isinstance(node, kinds) and not node.name.startswith("_"):
            yield owner, node
            if isinstance(node, ast.ClassDef):
                yield from public_definitions(node, f"{node.name}.")


def parameters_of(node):
    """Name the parameters of a function, or of making an object of a class."""
    if isinstance(node, ast.ClassDef):
        own = [item for item in node.body if getattr(item, "name", "") == "__init__"]
        if own:
            return parameters_of(own[0])
        if not any("dataclass" in ast.unparse(item) for item in node.decorator_list):
            return []
        return [
            item.target.id
            for item in node.body
            if isinstance(item, ast.AnnAssign) and not item.target.id.startswith("_")
        ]
    arguments = node.args
    listed = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    listed += [extra for extra in (arguments.vararg, arguments.kwarg) if extra]
    names = [argument.arg for argument in listed]
    known = {"self", "cls", *OF_FRAMEWORKS}
    return [name for name in names if name not in known and not name.startswith("_")]


def bases_explain(node):
    """Parameter objects describe each parameter where it is declared."""
    return "Parameters" in [ast.unparse(base) for base in node.bases]


def test_contributing_names_files_that_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/.]+(?:/|\.py|\.md|\.yaml|\.toml))`", text))
    assert {"image/formats.py", "widgets/panel.py", "docs/experiments.md"} <= named
    places = (PACKAGE, ROOT)
    missing = [name for name in named if not any((where / name).exists() for where in places)]
    assert sorted(missing) == []


def test_models_are_inside_the_package():
    models = importlib.resources.files("napari_nucseg.models")
    assert (models / "nuclei" / CARD_FILE).is_file()
    assert (models / "nuclei" / WEIGHTS_FILE).is_file()
    assert [model.card.name for model in list_models() if model.bundled] == ["nuclei"]


@pytest.mark.parametrize("name", [model.card.name for model in list_models() if model.bundled])
def test_bundled_models_are_whole_and_say_what_they_are(name):
    model = load_model(name)
    assert model.bundled
    assert model.folder.name == name
    card = model.card
    for value in (card.description, card.created, card.training_data, card.license):
        assert value
    assert "CC0" in card.data_license
    assert 0 < card.scores["held_out_mean_ap"] <= 1
    assert load_network(model).count_params() > 1000


def test_package_with_its_models_stays_small():
    models = Path(str(importlib.resources.files("napari_nucseg.models")))
    files = [*PACKAGE.rglob("*"), *models.glob("*/*")]
    assert sum(file.stat().st_size for file in files if file.is_file()) < 20e6
