import json
import re
from contextlib import suppress

from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.manifest import ManifestContext, Source, load
from reconciler.model.errors import InvalidManifest

AROUND = ManifestContext("/project", "/home/u", {"HOME": "/home/u"}, "project")
QUICK = settings(max_examples=40, deadline=None)

WORDS = st.sampled_from(
    # every key of a manifest, and what is special in names and values
    re.findall(
        r"\S+",
        """
        version project tmux socket defaults agent workspaces lab path git repo branch
        env agents claude type role args prompt resume state protect ignore depends_on
        agent_types command new artifacts quit busy from_env from_file broker a.b x:y ~
        ~/x ${HOME} ${X} $${X} {session_id} [key] 1 true
        """,
    )
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=8)
NESTED = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=5),
    max_leaves=20,
)
AGENTS = st.dictionaries(WORDS, st.none() | st.dictionaries(WORDS, NESTED, max_size=3), max_size=3)
WORKSPACES = st.dictionaries(WORDS, st.fixed_dictionaries({"path": SCALARS, "agents": AGENTS | NESTED}), max_size=3)
YAML_PIECES = st.lists(
    st.sampled_from(
        [
            "a: ",
            "- ",
            "&x ",
            "*x",
            "<<: ",
            "{",
            "}",
            "[",
            "]",
            "\n",
            "  ",
            "'",
            '"',
            "|",
            ">",
            "? ",
            "!t ",
            "%",
            "---",
            "\t",
            ",",
            "\\",
            "#",
        ]
    ),
    max_size=25,
).map("".join)


def only_mistakes(data):
    with suppress(InvalidManifest):
        load([Source("m.yaml", data)], AROUND, ["claude"])


@QUICK
@given(st.binary(max_size=40))
def test_random_bytes_are_a_manifest_or_a_mistake(data):
    only_mistakes(data)


@QUICK
@given(st.text(max_size=40) | YAML_PIECES)
def test_random_text_is_a_manifest_or_a_mistake(text):
    only_mistakes(text.encode("utf-8", "surrogatepass"))


@QUICK
@given(NESTED | st.fixed_dictionaries({"version": st.just(1), "workspaces": WORKSPACES, "defaults": NESTED}))
@example({"[key]": None})  # pydantic ends a path so when a key is wrong
def test_random_data_is_a_manifest_or_a_mistake(content):
    only_mistakes(json.dumps(content).encode())


FILES = [
    b"version: 1\nworkspaces: {a: {path: x, agents: {claude: }}}\n",
    b"version: 1\nworkspaces: {b: {path: y, agents: {claude: {depends_on: [agent.a.claude]}}}}\n",
    b"version: 1\nproject: lab\nworkspaces: {c: {path: z}}\n",
    b"version: 1\nbroker: {name: main}\n",
]


@settings(max_examples=24, deadline=None)
@given(st.permutations([Source(f"{index}.yaml", data) for index, data in enumerate(FILES)]))
def test_the_order_of_the_files_does_not_matter(sources):
    by_name = sorted(sources, key=lambda source: source.file)
    assert repr(load(sources, AROUND, ["claude"])) == repr(load(by_name, AROUND, ["claude"]))
