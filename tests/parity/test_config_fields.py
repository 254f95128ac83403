"""Every field of every config class of every family: read, refused by its name, or irrelevant for a reason that the
family's file in config_fields/ gives. A field that transformers adds is in no table, and fails here.
"""
import copy
import dataclasses
import importlib
import inspect
import json
import pathlib
import re

import pytest

pytest.importorskip("transformers")

from conftest import BUILD  # noqa: E402
from line_driver import LineDriver  # noqa: E402
from config_fields.kinds import WITH_TYPE, Irrelevant, Refused, Used  # noqa: E402

FAMILIES = sorted(path.stem for path in (pathlib.Path(__file__).parent / "config_fields").glob("*.py") if path.stem != "kinds")
NOT_FIELDS = {"get_text_config", "to_dict"}  # what modeling files ask of a config otherwise


def family(name):
    return importlib.import_module(f"config_fields.{name}").FAMILY


def registered():
    source = (pathlib.Path(__file__).parents[2] / "lib" / "models" / "registry.cpp").read_text()
    return sorted(re.findall(r'FamilyEntry\{"(\w+)"', source))


def test_every_family_has_its_tables():
    assert FAMILIES == registered()


@pytest.mark.parametrize("name", FAMILIES)
def test_every_field_is_listed(name):
    chosen = family(name)
    listed = set()
    for path, table in chosen.tables.items():
        listed |= set(table.fields) | set(table.extra)
        if table.config_class is not None:
            fields = {field.name for field in dataclasses.fields(table.config_class)}
            assert set(table.fields) == fields, (path, sorted(fields - set(table.fields)), sorted(set(table.fields) - fields))
    source = inspect.getsource(importlib.import_module(f"transformers.models.{chosen.modeling}"))
    read = set(re.findall(r"\bconfig\.([a-z][a-z_0-9]*)", source)) | set(re.findall(r'getattr\(\s*(?:self\.)?config,\s*"(\w+)"', source))
    assert not read - listed - NOT_FIELDS, f"{chosen.modeling} reads {sorted(read - listed - NOT_FIELDS)}"


def test_the_parameters_of_rotary_positions_are_listed():
    from transformers.modeling_rope_utils import RopeParameters

    from config_fields.kinds import rope_parameters

    assert set(rope_parameters()) == set(RopeParameters.__annotations__)


class Loader(LineDriver):
    """Loads checkpoints; says how that ended."""

    def __init__(self):
        super().__init__(BUILD / "bin" / "config_driver")

    def load(self, folder):
        return json.loads(self.line(folder))


@pytest.fixture(scope="module")
def loader():
    with Loader() as loader:
        yield loader


def variant(source, folder, path, changes, without=(), instead_of=()):
    """The checkpoint `source` with other values at `path` of its config.json."""
    folder.mkdir()
    for file in source.iterdir():
        if file.name not in ("config.json", *without):
            (folder / file.name).symlink_to(file)
    config = json.loads((source / "config.json").read_text())
    target = config
    for part in filter(None, path.split(".")):
        target = target.setdefault(part, {})
    for field in instead_of:
        target.pop(field, None)
    target.update(copy.deepcopy(changes))
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def named(field, message):
    return re.search(rf"(?<!\w){re.escape(field)}(?!\w)", message) is not None


@pytest.mark.parametrize("name", FAMILIES)
def test_fields_are_treated_as_listed(loader, tmp_path, name):
    chosen = family(name)
    source = chosen.checkpoint()
    assert "error" not in loader.load(source)
    cases = [(path, field, kind) for path, table in chosen.tables.items() for field, kind in (table.fields | table.extra).items()]
    wrong = []
    for number, (path, field, kind) in enumerate(cases):
        beside = WITH_TYPE.get(field, {}) if path.endswith("rope_parameters") else {}
        tries = []  # value, whether it must be refused
        if isinstance(kind, Used):
            beside = beside | kind.beside
            tries = [(kind.malformed, True)] + [(value, True) for value in kind.refused]
        elif isinstance(kind, Refused):
            tries = [(value, True) for value in kind.values] + [(value, False) for value in kind.accepted]
        elif isinstance(kind, Irrelevant):
            tries = [(kind.value, False)]
        for i, (value, refused) in enumerate(tries):
            folder = variant(source, tmp_path / f"{number}-{i}", path, beside | {field: value},
                             getattr(kind, "without", ()), getattr(kind, "instead_of", ()))
            out = loader.load(folder)
            by_name = any(named(label, out.get("message", "")) for label in (field, getattr(kind, "named", "") or field))
            good = by_name if refused else "error" not in out
            if not good:
                wrong.append((path, field, value, out))
    assert not wrong, "\n".join(map(str, wrong))
