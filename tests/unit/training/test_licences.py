import licences
import pytest

MIT = "Permission is hereby granted, free of charge, to any\n * person obtaining a copy of this software"
GPL = "GNU GENERAL PUBLIC LICENSE Version 3"


@pytest.mark.parametrize(
    ("files", "read", "learned"),
    [
        ([("a-1/LICENSE", MIT)], "MIT", True),
        ([("a-1/COPYING", GPL)], "GPL", False),
        ([("a-1/LICENSE", MIT), ("a-1/LICENSE.bundled", GPL)], "GPL, MIT", False),
        ([("a-1/LICENSE", MIT), ("debian/copyright", GPL)], "MIT", True),
        ([("debian/copyright", GPL)], "GPL", False),
        ([("a-1/package.json", '{\n  "license": "ISC"\n}')], "", True),
        ([("a-1/package.json", '{\n  "license": "GPL-3.0"\n}')], "", False),
        ([("a-1/src/lib/deep/LICENSE", MIT)], "", False),
        ([("a-1/LICENSE", "All rights reserved.")], "", False),
        ([], "", False),
    ],
)
def test_what_may_be_learned_from(files, read, learned):
    item = licences.summary(files)
    assert item["read"] == read
    assert licences.permissive("a", {"a": item}) is learned


def test_a_judgement_stands_above_what_was_recognised():
    item = licences.summary([("a-1/COPYING", GPL)])
    assert licences.permissive("a", {"a": item | {"judged": "in: at choice"}})
    assert not licences.permissive("a", {"a": item | {"judged": "out: no"}})


def test_a_package_of_which_nothing_is_known_is_left_out():
    assert not licences.permissive("b", {})


def test_every_judgement_says_why():
    judged = [item["judged"] for item in licences.known().values() if "judged" in item]
    assert judged
    assert all(text.startswith(("in: ", "out: ")) and len(text) > 8 for text in judged)
