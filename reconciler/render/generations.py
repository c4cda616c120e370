"""The history of applies: the JSON documents, and their text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import unified_diff
from typing import Literal, cast

from msgspec import to_builtins

from reconciler.model.generation import AgentThen, Generation
from reconciler.model.manifest_difference import AddressDifference, ManifestsDifference
from reconciler.model.secrets import without_secrets

from .deep import block_lines, deep_document, deep_lines
from .documents import FORMAT_VERSION
from .documents.generation import AgentThenDoc, GenerationDoc
from .documents.generation_diff import AgentDiffDoc, BlockDiffDoc, GenerationDiffDoc, ManifestDiffDoc
from .documents.history import GenerationRow, GenerationsDoc
from .table import table
from .text import short_id

_COLUMNS = ("GENERATION", "WHEN", "WHO", "WHAT", "RESULT")
_SYMBOLS = {"create": "+", "update": "~", "delete": "-"}


def history_document(generations: Iterable[Generation]) -> GenerationsDoc:
    """The document of `history --json`; the newest generation comes last and is the current one."""
    known = list(generations)
    rows = [_row(each, current=each is known[-1]) for each in known]
    return {"format_version": FORMAT_VERSION, "generations": rows}


def _row(generation: Generation, *, current: bool) -> GenerationRow:
    result = generation.result
    return {
        "generation": generation.number,
        "at": generation.at,
        "who": generation.author.who,
        "operation": generation.operation,
        "reason": generation.reason,
        "automatic": generation.automatic,
        "current": current,
        "exit_code": result.exit_code if result else None,
        "summary": dict(result.summary) if result else {},
    }


def history_text(document: GenerationsDoc) -> Iterator[str]:
    """One line per generation; a star marks the current one."""
    if not document["generations"]:
        yield "Nothing was applied yet."
        return
    yield from table([_COLUMNS, *(_cells(row) for row in document["generations"])])


def _cells(row: GenerationRow) -> tuple[str, ...]:
    mark = "*" if row["current"] else " "
    what = f"{row['operation']}, by itself" if row["automatic"] else row["operation"]
    return (f"{mark} {row['generation']}", row["at"], row["who"], what, _outcome(row))


def _outcome(row: GenerationRow) -> str:
    parts = (_result_text(row["exit_code"], row["summary"]), row["reason"])
    return "; ".join(part for part in parts if part)


def _result_text(exit_code: int | None, summary: Mapping[str, int]) -> str:
    if exit_code is None:
        return "not finished"
    counts = ", ".join(f"{count} {name}" for name, count in summary.items() if count)
    return (counts or "nothing changed") + (f" (exit {exit_code})" if exit_code else "")


# --- one --------------------------------------------------------------------------------------


def generation_document(generation: Generation) -> GenerationDoc:
    """The document of `history show --json`."""
    return cast("GenerationDoc", {"format_version": FORMAT_VERSION, **to_builtins(generation)})


def generation_text(document: GenerationDoc) -> Iterator[str]:
    """Who did what with which manifests, and the result; the plan is printed separately."""
    author, result = document["author"], document["result"]
    seat = f" ({author['terminal']})" if author["terminal"] else ""
    yield f"Generation {document['number']}: {document['operation']}{', by itself' if document['automatic'] else ''}"
    rows = [
        ("when", document["at"]),
        ("who", f"{author['who']} in {author['cwd']}{seat}, reconciler {document['tool_version']}"),
        ("why", document["reason"]),
        ("result", _result_text(result["exit_code"] if result else None, result["summary"] if result else {})),
        ("not done", ", ".join(result["remaining"]) if result else ""),
    ]
    yield from table([("", name, value) for name, value in rows if value])
    yield from _listed("Manifests", [(each["path"], f"sha256:{each['digest']}") for each in document["manifests"]])
    if result is None:
        return
    yield from _listed(
        "Agents afterwards", [(address, *_state(each)) for address, each in sorted(result["agents"].items())]
    )
    digests = [(address, path, f"sha256:{digest}") for address, path, digest in _files(result["brokers"])]
    yield from _listed("Files of brokers", digests)


def _listed(heading: str, rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    if rows:
        yield ""
        yield heading
        yield from table([("", *row) for row in rows])


def _files(brokers: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, str, str]]:
    for address, files in brokers.items():
        for path, digest in files.items():
            yield address, path, digest


def _state(agent: AgentThenDoc) -> tuple[str, str]:
    by_hand = " by hand" if agent["by_hand"] else ""
    return f"{agent['status']}{by_hand}", short_id(agent["conversation"]) or "-"


# --- two --------------------------------------------------------------------------------------


def diff_document(
    numbers: tuple[int, int],
    manifests: tuple[Mapping[str, bytes], Mapping[str, bytes]],
    declared: ManifestsDifference,
    agents: tuple[Mapping[str, AgentThen], Mapping[str, AgentThen]],
) -> GenerationDiffDoc:
    """The document of `history diff --json`: how to get from the first of each pair to the second.

    `declared` has the differences in meaning between the manifests.
    """
    old, new = manifests
    paths = sorted(path for path in {*old, *new} if old.get(path) != new.get(path))
    before, after = agents
    addresses = sorted(address for address in {*before, *after} if before.get(address) != after.get(address))
    return {
        "format_version": FORMAT_VERSION,
        "before": numbers[0],
        "after": numbers[1],
        "manifests": [_manifest_diff(path, (old.get(path), new.get(path)), declared) for path in paths],
        "blocks": [_block_diff(each) for each in declared.blocks],
        "agents": [_agent_diff(address, before.get(address), after.get(address)) for address in addresses],
    }


def _manifest_diff(
    path: str, pair: tuple[bytes | None, bytes | None], declared: ManifestsDifference
) -> ManifestDiffDoc:
    old, new = pair
    before, after = ((data or b"").decode(errors="replace").splitlines() for data in pair)
    lines = "\n".join(unified_diff(before, after, path, path, lineterm=""))
    document: ManifestDiffDoc = {
        "path": path,
        "change": _change(was=old is not None, now=new is not None),
        "diff": without_secrets(lines, declared.secrets).splitlines(),
        "same_meaning": path in declared.same_meaning,
    }
    if path in declared.unreadable:
        document["unreadable"] = declared.unreadable[path]
    return document


def _change(*, was: bool, now: bool) -> Literal["create", "update", "delete"]:
    if not now:
        return "delete"
    return "update" if was else "create"


def _block_diff(block: AddressDifference) -> BlockDiffDoc:
    return {
        "address": block.address,
        "change": _change(was=bool(block.file_before), now=bool(block.file_after)),
        "file_before": block.file_before or None,
        "file_after": block.file_after or None,
        "changes": [deep_document(each) for each in block.changes],
    }


def _agent_diff(address: str, before: AgentThen | None, after: AgentThen | None) -> AgentDiffDoc:
    old, new = (cast("AgentThenDoc", to_builtins(each)) if each else None for each in (before, after))
    return {"address": address, "before": old, "after": new}


def diff_text(document: GenerationDiffDoc, *, lines: bool = False) -> Iterator[str]:
    """The differences between what the manifests declare, or with `lines` a text diff; then the agents."""
    if not document["manifests"] and not document["agents"]:
        yield f"Generations {document['before']} and {document['after']} are the same."
        return
    if lines:
        yield from (line for manifest in document["manifests"] for line in _diff_lines(manifest))
    else:
        yield from _declared_text(document)
    yield from (_agent_line(agent) for agent in document["agents"])


def _diff_lines(manifest: ManifestDiffDoc) -> Iterator[str]:
    yield f"  # {_SYMBOLS[manifest['change']]} {manifest['path']}"
    yield from manifest["diff"][2:]
    yield ""


def _declared_text(document: GenerationDiffDoc) -> Iterator[str]:
    blocks = document.get("blocks", [])
    for block in blocks:
        yield from (f"  {line}" for line in _block_lines(block))
    named = {path for block in blocks for path in (block["file_before"], block["file_after"])}
    for manifest in document["manifests"]:
        yield from _manifest_lines(manifest, named_block=manifest["path"] in named)
    if document["manifests"] and document["agents"]:
        yield ""


def _block_lines(block: BlockDiffDoc) -> Iterator[str]:
    address, before, after = block["address"], block["file_before"], block["file_after"]
    if block["change"] == "update":
        yield from ([f"~ {address} moved from {before} to {after}"] if before != after else [])
        yield from deep_lines(block["changes"], address)
        return
    (whole,) = block["changes"]
    created = block["change"] == "create"
    name = f"+ {address} in {after}" if created else f"- {address}, which was in {before}"
    yield from block_lines(name, whole["after"] if created else whole["before"])


def _manifest_lines(manifest: ManifestDiffDoc, *, named_block: bool) -> Iterator[str]:
    path = manifest["path"]
    if "unreadable" in manifest:
        yield f"  # {path} cannot be compared by what it declares: {manifest['unreadable']}"
        yield from _diff_lines(manifest)
    elif manifest.get("same_meaning"):
        yield f"  # {path}: same meaning, other layout"
    elif manifest["change"] != "update":
        yield f"  # {_SYMBOLS[manifest['change']]} {path}"
    elif not named_block:  # its blocks moved to or from another file
        yield f"  # {path}: all manifests together declare the same"


def _agent_line(agent: AgentDiffDoc) -> str:
    before, after = agent["before"], agent["after"]
    symbol = "+" if before is None else "-" if after is None else "~"
    return f"{symbol:>3} {agent['address']}: {_words(before)} -> {_words(after)}"


def _words(agent: AgentThenDoc | None) -> str:
    if agent is None:
        return "not there"
    status, conversation = _state(agent)
    return f"{status} as {agent['session']} in conversation {conversation}"
