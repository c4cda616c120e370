"""Groups of commands that are loaded when they are called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from types import SimpleNamespace
from typing import Any, cast

import typer
from typer.core import TyperGroup

from reconciler.render.output import tell

from .catalogue import Command, Entry
from .other_words import refuse

HELP = "help"


class LoadedByName(TyperGroup):
    """A group whose list comes from the catalogue; each command is loaded when it is called."""

    entries: Mapping[str, Entry]

    def list_commands(self, ctx: object) -> list[str]:  # noqa: ARG002 - click gives it
        """The names, in the order of the catalogue."""
        return list(self.entries)

    def format_commands(self, ctx: object, formatter: Any) -> None:  # noqa: ARG002 - click gives it
        """Write the list of `--help`."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in self._visible("")])

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that the words name; `help` before them shows its help, or the help of the group."""
        if args[:1] != [HELP] or HELP in self.entries:
            if ctx.parent is None and args and args[0] not in self.entries and not ctx.resilient_parsing:
                refuse(args[0])
            return super().resolve_command(ctx, args)
        if args[1:]:
            return self.resolve_command(ctx, [*args[1:], "--help"])
        tell(*ctx.get_help().splitlines())
        raise typer.Exit

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Complete options after a dash, else names of commands."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return [
            SimpleNamespace(value=name, type="plain", help=each.summary) for name, each in self._visible(incomplete)
        ]

    def _visible(self, start: str) -> Iterator[tuple[str, Entry]]:
        return ((name, each) for name, each in self.entries.items() if name.startswith(start) and not each.hidden)


def fill_group(group: Any, entries: Mapping[str, Entry]) -> LoadedByName:
    """Fill a `LoadedByName` group with its commands."""
    group.entries, group.commands = entries, _Commands(entries)
    return cast(LoadedByName, group)


class _Commands(MutableMapping[str, Any]):
    """The commands of one group by name; looking one up loads it."""

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        self._entries = dict(entries)
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = _loaded(name, self._entries[name])
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def _loaded(name: str, entry: Entry) -> Any:
    if not isinstance(entry, Command):
        app = typer.Typer(cls=LoadedByName, name=name, help=entry.summary, no_args_is_help=True, rich_markup_mode=None)
        return fill_group(typer.main.get_group(app), entry.commands)
    module = import_module(f".commands.{entry.file}", __package__)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name, hidden=entry.hidden)(getattr(module, entry.function))
    return typer.main.get_command(app)
