"""YAML text as plain data, and places in it. Every mistake is a RegistryUnreadable with line:column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reconciler.model.errors import RegistryUnreadable
from reconciler.model.record import Json
from reconciler.model.scalars import resolved

if TYPE_CHECKING:
    from ruamel.yaml import YAML

_FIX = "correct the YAML by hand"
_MOST_VALUES = 2_000_000
_TEXT = "tag:yaml.org,2002:str"
_MERGE = "tag:yaml.org,2002:merge"


def parsed(text: str) -> dict[str, Json]:
    """The one mapping that `text` holds: nothing at all is an empty one, times stay text.

    Raises RegistryUnreadable: broken YAML, a key twice, several documents, no mapping.
    """
    from ruamel.yaml import YAMLError  # noqa: PLC0415 - a file that is in the cache is not parsed

    try:
        content = _plain(_reader().load(text), [_MOST_VALUES])
    except (YAMLError, ValueError) as error:
        raise RegistryUnreadable(_said(error), fix=_FIX) from error
    except RecursionError as error:
        raise RegistryUnreadable("nested too deeply", fix=_FIX) from error
    except Exception as error:  # the library fails at odd files with anything: KeyError, AttributeError ...
        raise RegistryUnreadable("this is not YAML that can be understood", fix=_FIX) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise RegistryUnreadable("a mapping is expected at the top", fix=_FIX)
    return content


def place_of(text: str, path: Sequence[str]) -> tuple[int, int]:
    """Line and column, from 1, of the value at `path`, or of the nearest thing that is there."""
    node: Any = _reader().compose(text)
    place = node
    for name in path:
        pair = next(((k, v) for k, v in node.value if k.value == name), None) if node.id == "mapping" else None
        if pair is None:
            break
        place, node = pair
    mark = place.start_mark if node.id == "mapping" else node.start_mark
    return mark.line + 1, mark.column + 1


def _reader() -> YAML:
    from ruamel.yaml import YAML  # noqa: PLC0415 - a file that is in the cache is not parsed
    from ruamel.yaml.constructor import SafeConstructor  # noqa: PLC0415 - as above

    class LikeJson(SafeConstructor):
        """Keys and times are text; other words mean what they mean in a manifest."""

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            for key, _ in node.value:
                if key.id == "scalar" and key.tag != _MERGE:
                    key.tag = _TEXT
            return super().construct_mapping(node, deep)

    def meant(_constructor: Any, node: Any) -> Json:
        return resolved(node.value)

    LikeJson.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)
    for kind in ("int", "float", "bool", "null", "value"):  # none of them has quotes
        LikeJson.add_constructor(f"tag:yaml.org,2002:{kind}", meant)
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = LikeJson
    return yaml


def _plain(value: Any, budget: list[int]) -> Json:
    budget[0] -= 1
    if budget[0] < 0:
        raise ValueError("aliases make the file too large")
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Mapping():
            return {str(key): _plain(item, budget) for key, item in value.items()}
        case list():
            return [_plain(item, budget) for item in value]
        case _:
            return str(value)


def _said(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or str(error).splitlines()[0])
    return f"{mark.line + 1}:{mark.column + 1}: {problem}" if mark else problem
