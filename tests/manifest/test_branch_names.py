"""What is taken for the name of a branch is what git takes for one."""

import itertools
import re
import subprocess

from reconciler.manifest.rules import BRANCH, is_branch

PARTS = ("", "a", "A9", ".", "..", "/", "@", "@{", "{", ".lock", "lock", "HEAD", "-", "é", "~", "^", ":", "?", "*", "[")


def names():
    return sorted(
        {"".join(parts) for parts in itertools.product(PARTS, repeat=2)} | {"HEAD/a", "a.lock/b", "@/a", "x//y"}
    )


def test_a_name_is_valid_where_git_says_so(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    ours = {name for name in names() if re.fullmatch(BRANCH, name) and is_branch(name)}
    script = 'while IFS= read -r name; do git check-ref-format --branch "$name" 2>/dev/null; done'
    asked = "".join(f"{name}\n" for name in names())
    done = subprocess.run(["sh", "-c", script], check=False, cwd=tmp_path, input=asked, capture_output=True, text=True)
    assert ours == set(done.stdout.split("\n")) - {""}
