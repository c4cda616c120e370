"""Lists the names that documents about the original scripts use: scripts, skills, options, variables and so on.

    python tests/from_the_scripts/extract.py FOLDER > tests/from_the_scripts/names.txt

FOLDER holds the documents as text. Only names come out, and the first words of what the scripts print; no sentence
does. `test_names_on_the_page.py` asks docs/from-the-scripts.md for each of them. Each rule below says what it takes.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

_SCRIPT = re.compile(r"\b[a-z_]+\.(?:sh|py)\b")
_SKILL = re.compile(
    r"\b(?:multi-agent-(?!canary|paper)|tmux-agent-orchestrate-)[a-z][a-z-]+\b|\bagent-sessions-monitor\b"
    r"|(?<![\w-])delegate-job\b|kanban-[a-z]{5,}"
)
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+\b")
_VARIABLE = re.compile(
    r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b"
    r"|(?<=\$)[A-Z]{2,}\b|(?<=\$\{)[A-Z]{2,}\b|^[A-Z]+(?==)",
    re.MULTILINE,
)
_TAKEN_BY_SCRIPT = re.compile(r"scripts/[a-z_]+\.py\"? (?:--registry-dir \S+ )?(?P<word>[a-z]+)\b")
_BRANCH = re.compile(r"^\s*(?P<words>[a-z]+)\) cmd_|(?<=--help\|)(?P<help>help)\)", re.MULTILINE)
_PRINTED = re.compile(r"\becho (?P<quote>[\"'])(?P<text>.*?)(?<!\\)(?P=quote)")
_ANSWER = re.compile(r"→ comment: \"[^:\"]+: (?P<text>.*?)\"")
_INSERTED = re.compile(r"\$\{?\w+[^\s}]*\}?|\\.|'|<[^>]*>")
_EXIT = re.compile(r"\bexits? (?:with )?(?P<one>\d+)\b|\bExit codes: (?P<many>[^.\n]+)")
_ENDINGS = "yaml|jsonl|json|db|state|conf|crt|key|csr|out|txt|bak|md"
_FILE = re.compile(rf"[\w.<>*-]*\.(?:{_ENDINGS})(?![\w.-]*/)|(?<!\w)\.gitignore\b")
_FOLDER = re.compile(
    r"(?<![\w.])\.[a-z]+/(?!agent-sessions)[a-z][\w-]+(?:/python)?|/mosquitto/[a-z]+(?:/(?:passwd|acl)\b)?|\bdelegate_job_logs\b"
)
_FUNCTION = re.compile(r"\b[a-z]+(?:_[a-z]+)+\(\)(?! \{)|(?<=::)[a-z_]+\b|\bdelegate_submit_job\b")
_KANBAN_CALL = re.compile(r"\bkanban_[a-z]+\b")
_ROW_KEY = re.compile(
    r"\b(?:\*?[a-z]+_session_id_own|last_visible_\w+|termination_mode|terminated_at|resumable|pane\.\w+)\b"
)
_RECORD_KEY = re.compile(r"\b(?:agent_identities[.\w]*|delegate_job_id|agent-session|job_id|drifts)\b|\bauth_token")
_EVENT = re.compile(r"--event (?P<word>[a-z_]+)")
_BROKER_KEY = re.compile(r"\"(?P<word>host|port|tls|username|password|broker)\":")
_CONF = re.compile(
    r"^(?P<word>persistence\w*|password_file|acl_file|allow_anonymous|listener|cafile|certfile|keyfile) \S+$",
    re.MULTILINE,
)
_ACL = re.compile(r"^(?P<word>user|topic write|topic read|pattern readwrite) \S+$", re.MULTILINE)
_TOPIC = re.compile(r"\bpython/mqtt/[\w/+]+")
_TOOL = re.compile(
    r"\b(?:mosquitto_passwd|mosquitto_sub|openssl|docker run|brew install|apt-get|EMQX|flock|HMAC|CONNACK)\b"
)
_VALUE = re.compile(r"(?<==)auto-(?:detected|registered)|\bstop-requested\b|\bgoal_mode\b|\bstatus=(?P<word>[a-z]+)\b")
_STATES = re.compile(r"\bvalues \((?P<words>[a-z/ ]+)\)", re.MULTILINE)
_CLASS = re.compile(r"^(?P<word>[A-D])\. ", re.MULTILINE)
_DEFAULT = re.compile(
    r"\(default (?P<word>\d+)\)|default (?P<more>\d+)\b|\b[A-Z_]*TIMEOUT=(?P<time>\d+)"
    r"|\b[A-Z_]+=\"(?P<text>[\w.:/-]+)\"",
    re.MULTILINE,
)
_FRONT = re.compile(r"^name, description, (?P<words>[\w, ]+)$", re.MULTILINE)
_RELATED = re.compile(r"\b(?:related|prereq)_skills\b")
_HOST = re.compile(r"\bbroker\.hivemq\.com\b|-L (?P<server>[a-z-]+)")
_SESSION = re.compile(r"<(?:slug|workspace)>-creator-(?:<agent>|\*)|\*-creator-\w+")


def _words(pattern: re.Pattern[str]) -> Callable[[str], Iterator[str]]:
    """Every place that the pattern finds: its named part where there is one, else all of it."""

    def found(text: str) -> Iterator[str]:
        for place in pattern.finditer(text):
            yield next((part for part in place.groupdict().values() if part), place[0])

    return found


def _lists(pattern: re.Pattern[str]) -> Callable[[str], Iterator[str]]:
    """As `_words`, where one place names several, with commas or slashes between them."""
    return lambda text: (each.strip() for words in _words(pattern)(text) for each in re.split("[,/]", words))


def _printed(text: str) -> Iterator[str]:
    """The first words of what the scripts print, three at the most, without what is filled in there."""
    for pattern in (_PRINTED, _ANSWER):
        for place in pattern.finditer(text):
            first = next(
                (part.strip(" .:-[]()") for part in _INSERTED.split(place["text"]) if len(part.strip()) > 3), ""
            )
            words = first.removeprefix("ERROR: ").split()[:3]
            if words and len(" ".join(words)) > 3:
                yield " ".join(words).rstrip(".:,")


RULES: Mapping[str, Callable[[str], Iterator[str]]] = {
    "script": _words(_SCRIPT),
    "skill": _words(_SKILL),
    "option": _words(_OPTION),
    "variable": _words(_VARIABLE),
    "subcommand": lambda text: iter([*_words(_BRANCH)(text), *_words(_TAKEN_BY_SCRIPT)(text)]),
    "printed": _printed,
    "exit code": _lists(_EXIT),
    "file": lambda text: (name for name in _words(_FILE)(text) if ".." not in name),
    "folder": _words(_FOLDER),
    "function": _words(_FUNCTION),
    "kanban call": _words(_KANBAN_CALL),
    "key": lambda text: iter([*_words(_ROW_KEY)(text), *_words(_RECORD_KEY)(text), *_words(_BROKER_KEY)(text)]),
    "value": lambda text: iter([*_words(_VALUE)(text), *_lists(_STATES)(text)]),
    "drift class": _words(_CLASS),
    "event": _words(_EVENT),
    "topic": _words(_TOPIC),
    "line of mosquitto.conf": _words(_CONF),
    "line of the ACL": _words(_ACL),
    "tool": _words(_TOOL),
    "default": _words(_DEFAULT),
    "front matter": lambda text: iter([*_lists(_FRONT)(text), *_words(_RELATED)(text)]),
    "server": _words(_HOST),
    "session": _words(_SESSION),
}


def names(text: str) -> list[str]:
    """`KIND: NAME` for every name in the text, once, in the order of the kinds and then of the alphabet."""
    return [f"{kind}: {name}" for kind, rule in RULES.items() for name in _unglued(sorted(set(rule(text))))]


def _unglued(found: list[str]) -> list[str]:
    """Without names that are another one with a word of the sentence at its end or its beginning.

    Where a document was turned into text, the spaces around its code were lost in places.
    """
    return [name for name in found if not any(_is_glued(name, other) for other in found)]


def _is_glued(name: str, other: str) -> bool:
    rest = name.removeprefix(other) if name.startswith(other) else name.removesuffix(other)
    return len(other) > 3 and rest != name and rest.isalpha() and rest.islower()


if __name__ == "__main__":
    documents = (path.read_text("utf-8") for path in sorted(Path(sys.argv[1]).iterdir()))
    sys.stdout.write("\n".join(names("\n".join(documents))) + "\n")
