"""Why two functions are near is said truly, in any two languages."""

from __future__ import annotations

import pytest

from agentforge.embed.explain import Explainer
from agentforge.model import Explanation, FunctionRef

DIGEST = """def digest_of(path, key):
    with open(path, "rb") as stream:
        digest = sha256(stream.read())
        digest.update(key)
        return digest.hexdigest()
"""
RENAMED = """def resume(fichier, cle):
    with open(fichier, "rb") as flux:
        somme = sha256(flux.read())
        somme.update(cle)
        return somme.hexdigest()
"""
OTHER = """def total(orders):
    return sum(order.amount for order in orders if order.is_open)
"""
JAVASCRIPT = """function digestOf(path, key) {
  const digest = crypto.sha256(fs.readFileSync(path));
  digest.update(key);
  return digest.hexDigest();
}
"""


def function(code: str, language: str | None = "python") -> FunctionRef:
    return FunctionRef("p", "a", language, "f", "f()", 1, 9, 9, 1, 0, code)


def explain(one: FunctionRef, other: FunctionRef) -> Explanation:
    (found,) = Explainer(one).explain([other])
    assert found is not None
    return found


def test_a_copy_with_other_names() -> None:
    found = explain(function(DIGEST), function(RENAMED))
    assert found.structure == pytest.approx(1.0)
    assert found.words < 0.5
    assert set(found.shared_calls) == {"open", "sha256", "read", "update", "hexdigest"}
    assert found.shared_calls.index("sha256") < found.shared_calls.index("read"), "the rarest first"
    assert found.text.startswith("same structure, other names; both call ")
    assert found.text.endswith(" and 2 more")


def test_the_same_and_something_else() -> None:
    assert explain(function(DIGEST), function(DIGEST)).text.startswith("same structure, same names; both call ")
    found = explain(function(DIGEST), function(OTHER))
    assert (found.text, found.shared_calls) == ("other structure, other names", ())


def test_calls_of_another_language_are_the_same_in_its_spelling() -> None:
    found = explain(function(JAVASCRIPT, "javascript"), function(DIGEST))
    assert set(found.shared_calls) == {"sha256", "update", "hexDigest"}


@pytest.mark.parametrize(
    "other",
    [function("", "python"), function("anything", None), function(DIGEST, None)],
    ids=["empty", "unknown", "none"],
)
def test_what_cannot_be_parsed_has_no_explanation(other: FunctionRef) -> None:
    assert Explainer(function(DIGEST)).explain([other]) == [None]
    assert Explainer(other).explain([function(DIGEST)]) == [None]


def test_broken_code_is_explained_by_what_is_left() -> None:
    assert "sha256" in explain(function(DIGEST), function("class A:\n  def f(:\n    sha256(x)\n")).shared_calls
