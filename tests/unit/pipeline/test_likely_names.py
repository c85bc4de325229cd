"""A misspelt name gets suggestions."""

from __future__ import annotations

from agentforge.pipeline.likely_names import likely_names


def test_names_are_suggested_by_their_likeness() -> None:
    known = ["django.Model.save", "django.Model.delete", "shave", "os.path.join"]
    assert likely_names("Modl.save", known)[0] == "django.Model.save"
    assert set(likely_names("svae", known)) == {"Model.save", "shave"}
    assert likely_names("quux", known) == []
