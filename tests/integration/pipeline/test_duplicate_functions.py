"""`duplicate-function`, where it is switched on: who breaks it, and what becomes of that over runs."""

from __future__ import annotations

import json

from fix_bench import Bench

from agentforge.config.settings import RuleSettings
from agentforge.detect.selection import NOTHING_CHOSEN, Selection
from agentforge.model import Report, Status, Violation
from agentforge.report.sarif.log import SarifLog

ON = Selection(project=RuleSettings(enable=("duplicate-function",)))
TOTAL = """def {name}(orders, rate):
    total = 0
    for order in orders:
        if order.is_open and order.amount > 0:
            total += order.amount * (1 + rate)
        elif order.is_held:
            total += order.deposit
    total = round(total, 2)
    log(total)
    return total
"""


def found(report: Report) -> list[Violation]:
    return [item for item in report.violations if item.rule_id == "duplicate-function"]


def said(report: Report) -> list[tuple[str, str, str]]:
    return [(item.path, item.status.value, item.message.rpartition(" as ")[2]) for item in found(report)]


def start(bench: Bench) -> Report:
    bench.write("shop.py", TOTAL.format(name="order_total"))
    bench.analyze(selection=ON)
    bench.write("copy.py", "import os\n\n\n" + TOTAL.format(name="all_orders"))
    bench.write("tests/test_shop.py", TOTAL.format(name="test_total"))
    return bench.analyze(selection=ON)


def test_it_ships_switched_off(bench: Bench) -> None:
    bench.write("shop.py", TOTAL.format(name="order_total"))
    bench.write("copy.py", TOTAL.format(name="all_orders"))
    assert found(bench.analyze()) == []


def test_the_younger_one_breaks_it_and_names_the_other_with_its_place(bench: Bench) -> None:
    report = start(bench)
    (item,) = found(report)
    assert (item.path, item.line, item.function, item.status) == ("copy.py", 4, "all_orders", Status.NEW)
    assert item.message == "all_orders is nearly the same as order_total, shop.py:1"
    assert item.related == ("shop.py", 1)
    log = json.loads("".join(SarifLog(report, "0", lambda _: None).render()))
    (result,) = [row for row in log["runs"][0]["results"] if row["ruleId"] == "duplicate-function"]
    place = result["relatedLocations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]) == ("shop.py", {"startLine": 1})


def test_it_counts_in_the_score_of_its_file(bench: Bench) -> None:
    start(bench)
    quality = dict(bench.rows("SELECT file_path, quality_score FROM file_analyses WHERE superseded_by IS NULL"))
    assert quality["copy.py"] < quality["shop.py"] == 100


def test_when_the_other_one_goes_it_is_fixed_though_nobody_looked_at_its_file(bench: Bench) -> None:
    start(bench)
    (bench.root / "shop.py").unlink()
    assert said(bench.analyze(selection=ON)) == [("copy.py", "fixed", "order_total, shop.py:1")]
    quality = dict(bench.rows("SELECT file_path, quality_score FROM file_analyses WHERE superseded_by IS NULL"))
    assert quality["copy.py"] == 100
    bench.write("again.py", TOTAL.format(name="order_total"))
    report = bench.analyze(selection=ON)
    assert said(report) == [("again.py", "new", "all_orders, copy.py:4")], "now this one is the younger"


def test_when_the_other_one_moves_the_message_follows_and_nothing_is_new(bench: Bench) -> None:
    start(bench)
    bench.write("shop.py", "\n\n\n" + TOTAL.format(name="order_total"))
    assert said(bench.analyze(selection=ON)) == [("copy.py", "open", "order_total, shop.py:4")]
    bench.write("copy.py", TOTAL.format(name="all_orders"))
    assert said(bench.analyze(selection=ON)) == [("copy.py", "open", "order_total, shop.py:4")]


def test_it_ends_when_it_is_switched_off(bench: Bench) -> None:
    start(bench)
    assert said(bench.analyze(selection=NOTHING_CHOSEN)) == [("copy.py", "fixed", "order_total, shop.py:1")]


def test_a_comment_waives_it_and_is_used(bench: Bench) -> None:
    start(bench)
    comment = "# agentforge: ignore[duplicate-function] they will part soon\n"
    bench.write("copy.py", comment + TOTAL.format(name="all_orders"))
    report = bench.analyze(selection=ON)
    assert said(report) == [("copy.py", "waived", "order_total, shop.py:1")]
    assert not [item for item in report.violations if item.rule_id == "unused-waiver"]
    (bench.root / "shop.py").unlink()
    bench.analyze(selection=ON)
    assert said(bench.analyze(selection=ON)) == []


def test_what_cannot_be_one_function_is_left_out(bench: Bench) -> None:
    bench.write("shop.py", TOTAL.format(name="order_total"))
    bench.write("later.py", "async " + TOTAL.format(name="order_total_later").replace("log(", "await log("))
    short = TOTAL.replace("        elif order.is_held:\n            total += order.deposit\n", "")
    bench.write("short.py", short.format(name="one") + "\n\n" + short.format(name="other"))
    assert found(bench.analyze(selection=ON)) == []
