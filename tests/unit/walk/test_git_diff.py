"""What changed in real repositories: renames, odd names, merges, hostile configuration, and each error as it reads."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fix_repository import Repository

from agentforge.errors import UsageError
from agentforge.walk import git_contents, git_diff

BODY = "".join(f"line {number}\n" for number in range(30))


def changed(repository: Repository, commit: str) -> dict[str, tuple[str | None, int]]:
    files = git_diff.changed_since(str(repository.root), commit)
    return {file.path: (file.old_path, len(file.old_blobs)) for file in files}


def test_committed_staged_unstaged_and_untracked_files_have_changed(repository: Repository) -> None:
    base = repository.commit(
        {"a.py": "1", "b.py": "1", "c.py": "1", "same.py": "1", "gone.py": "2", ".gitignore": "*.log"}
    )
    repository.commit({"a.py": "2"})
    repository.write({"b.py": "2", "c.py": "2", "new.py": "3", "left.log": ""})
    repository.git("add", "b.py")
    (repository.root / "gone.py").unlink()
    old = {name: (name, 1) for name in ("a.py", "b.py", "c.py")}
    assert changed(repository, base) == {**old, "new.py": (None, 0)}


def test_odd_names_and_renames_are_followed(repository: Repository) -> None:
    odd = [
        "with space.py",
        "line\nend.py",
        "-dash.py",
        ":(top)x.py",
        '"quoted"\t.py',
        "caf\udce9.py",
        "[a]*.py",
        "a -> b.py",
    ]
    base = repository.commit({name: BODY + name.encode("utf-8", "replace").decode() for name in odd})
    for name in odd:
        (repository.root / "to").mkdir(exist_ok=True)
        repository.git("mv", "--", f"./{name}", f"to/{name}")
    repository.write({f"to/{odd[0]}": BODY + "more\n"})
    assert changed(repository, base) == {f"to/{name}": (name, 1) for name in odd}


def test_a_move_that_git_was_not_told_of_is_found_by_content(repository: Repository) -> None:
    base = repository.commit({"old.py": BODY})
    (repository.root / "old.py").rename(repository.root / "new.py")
    repository.write({"other.py": "1"})
    assert changed(repository, base) == {"new.py": ("old.py", 1), "other.py": (None, 0)}


def test_links_and_other_repositories_are_no_files(repository: Repository) -> None:
    base = repository.commit({"a.py": "1", "was_file": "1"})
    Repository(repository.root / "inner").commit({"x.py": "1"})
    (repository.root / "link.py").symlink_to("a.py")
    (repository.root / "was_file").unlink()
    (repository.root / "was_file").symlink_to("a.py")
    repository.commit()
    assert changed(repository, base) == {}
    (repository.root / "link.py").unlink()
    repository.write({"link.py": "now a file"})
    assert changed(repository, base) == {"link.py": (None, 0)}


def test_configuration_of_the_repository_runs_nothing_and_changes_nothing(repository: Repository) -> None:
    base = repository.commit({"a.py": "1\n", ".gitattributes": "*.py filter=evil diff=evil\n"})
    trap = f"touch {repository.root}/trapped; cat"
    for key in ("filter.evil.clean", "filter.evil.process", "diff.external", "diff.evil.textconv", "core.fsmonitor"):
        repository.git("config", key, trap)
    repository.git("config", "filter.evil.required", "true")
    repository.git("config", "color.ui", "always")
    repository.git("config", "diff.relative", "true")
    repository.git("config", "diff.renames", "false")
    repository.write({"a.py": "2\n"})
    os.utime(repository.root / ".gitattributes", (1, 1))
    assert changed(repository, base) == {"a.py": ("a.py", 1)}
    assert git_diff.changed_from(str(repository.root), "main", "a.py")
    assert not git_diff.changed_from(str(repository.root), "main", ".gitattributes")
    assert not git_diff.changed_from(str(repository.root), "main", "nothing")
    assert not git_diff.changed_from(str(repository.root), "nowhere", "a.py")
    assert not (repository.root / "trapped").exists()


def test_staged_is_the_index_and_not_the_working_tree(repository: Repository) -> None:
    repository.commit({"a.py": "1\n", "b.py": "1\n", "old.py": BODY})
    repository.write({"a.py": "2\n", "new.py": "1\n"})
    repository.git("mv", "old.py", "moved.py")
    repository.git("add", "a.py", "new.py")
    repository.write({"a.py": "3\n", "b.py": "9\n", "untracked.py": "1\n"})
    files = git_diff.staged(str(repository.root))
    assert [(file.path, file.old_path) for file in files] == [
        ("a.py", "a.py"),
        ("moved.py", "old.py"),
        ("new.py", None),
    ]
    blobs = [file.blob or "" for file in files]
    assert list(git_contents.read_blobs(str(repository.root), blobs, 100)) == [b"2\n", None, b"1\n"]


def test_staged_before_the_first_commit_is_everything(repository: Repository) -> None:
    repository.write({"a.py": "1\n"})
    repository.git("add", ".")
    assert [(file.path, file.old_blobs) for file in git_diff.staged(str(repository.root))] == [("a.py", ())]


def test_a_hook_may_be_told_of_another_index(repository: Repository) -> None:
    """`git commit -a` and `git commit FILE` run their hooks with an index that is not the checkout's."""
    repository.commit({"a.py": "1\n"})
    repository.write(
        {
            "a.py": "2\n",
            ".git/hooks/pre-commit": '#!/bin/sh\nprintf %s "$GIT_INDEX_FILE" >told; cp "$GIT_INDEX_FILE" other\n',
        }
    )
    (repository.root / ".git/hooks/pre-commit").chmod(0o755)
    repository.git("commit", "-q", "a.py", "-m", "x")
    assert git_diff.staged(str(repository.root)) == ()
    repository.git("reset", "-q", "--soft", "HEAD~1")
    repository.git("reset", "-q")
    assert git_diff.staged(str(repository.root)) == ()
    assert "next-index" in (repository.root / "told").read_text()
    assert [file.path for file in git_diff.staged(str(repository.root), str(repository.root / "other"))] == ["a.py"]


def test_in_a_merge_only_what_differs_from_both_sides_is_staged(repository: Repository) -> None:
    repository.commit({"ours.py": "1\n", "theirs.py": "1\n", "both.py": "1\n"})
    repository.git("checkout", "-q", "-b", "side")
    repository.commit({"theirs.py": "2\n", "both.py": "side\n"})
    repository.git("checkout", "-q", "main")
    repository.commit({"ours.py": "2\n", "both.py": "main\n"})
    repository.git("merge", "-q", "side", check=False)
    repository.write({"both.py": "resolved\n"})
    repository.git("add", "both.py")
    files = git_diff.staged(str(repository.root))
    assert [(file.path, len(file.old_blobs)) for file in files] == [("both.py", 2)]


def test_the_merge_base_is_where_the_branches_parted(repository: Repository) -> None:
    base = repository.commit({"a.py": "1"})
    repository.git("checkout", "-q", "-b", "side")
    repository.commit({"a.py": "2"})
    repository.git("branch", "-q", "-f", "main", base)
    repository.git("checkout", "-q", "main")
    repository.commit({"b.py": "2"})
    repository.git("checkout", "-q", "--detach", "side")
    for ref in ("main", "HEAD~1", base, base[:8], "main@{0}"):
        assert git_diff.merge_base(str(repository.root), ref) == base


def complaint(root: Path, ref: str) -> str:
    with pytest.raises(UsageError) as raised:
        git_diff.merge_base(str(root), ref)
    return str(raised.value)


def test_each_way_to_have_no_merge_base_says_what_to_do(repository: Repository, tmp_path: Path) -> None:
    repository.write({"a.py": "1"})
    assert complaint(repository.root, "HEAD") == (
        "--since: git knows no commit 'HEAD' here.\nFetch it first, and look with: git branch --all"
    )
    first = repository.commit()
    repository.commit({"a.py": "2"})
    repository.commit({"a.py": "3"})
    for ref in ("--output=x", "-h", "", "HEAD:a.py", "nowhere", "a b\n"):
        assert "git knows no commit" in complaint(repository.root, ref)
    assert not (repository.root / "x").exists()
    repository.git("checkout", "-q", "--orphan", "lonely")
    assert complaint(repository.root, "main").startswith("--since: this repository has no commit yet.")
    repository.commit({"b.py": "1"})
    assert complaint(repository.root, "main").startswith("--since: HEAD and 'main' have no commit in common.")

    shallow = Repository(tmp_path / "shallow")
    shallow.git("fetch", "-q", "--depth", "1", f"file://{repository.root}", "main")
    shallow.git("checkout", "-q", "FETCH_HEAD")
    assert "fetch-depth: 0" in complaint(shallow.root, first)
    shallow.git("fetch", "-q", "--depth", "1", f"file://{repository.root}", "lonely:refs/remotes/origin/lonely")
    assert "in this shallow clone" in complaint(shallow.root, "origin/lonely")
    assert complaint(shallow.root, "lonely").endswith("Did you mean origin/lonely?")


def test_content_is_read_by_id_and_a_large_one_is_passed_over(repository: Repository) -> None:
    repository.commit({"a": b"\0\n\xff", "large": b"x" * 3_000_000, "empty": b"", "z": b"last"})
    ids = [repository.git("rev-parse", f"HEAD:{name}") for name in ("a", "large", "empty", "z")]
    found = list(
        git_contents.read_blobs(
            str(repository.root), [*ids[:3], "0" * 40, repository.git("rev-parse", "HEAD"), ids[3]], 100
        )
    )
    assert found == [b"\0\n\xff", None, b"", None, None, b"last"]
    assert git_contents.read_file_at(str(repository.root), "main", "z", 100) == b"last"
    assert git_contents.read_file_at(str(repository.root), "main", "nothing", 100) is None
    assert git_contents.read_file_at(str(repository.root), "nowhere", "z", 100) is None
