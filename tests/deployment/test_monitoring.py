"""The alert rules and the dashboard in deploy/, checked by promtool."""

import json
import re
from pathlib import Path
from typing import Any

from tests.support.databases import ROOT
from tests.support.proxies import DEPLOY, run
from tests.test_documentation import anchors
from todo.metrics import REGISTRY

ALERTS = DEPLOY / "prometheus-alerts.yml"
DASHBOARD = json.loads((DEPLOY / "grafana.json").read_text())
PANELS: list[dict[str, Any]] = [each for each in DASHBOARD["panels"] if each["type"] != "row"]
EXPRESSIONS: list[str] = [target["expr"] for each in PANELS for target in each["targets"]]


def test_alert_rules_are_valid() -> None:
    assert "SUCCESS" in run("promtool", "check", "rules", ALERTS)


def test_alerts_fire_when_they_should() -> None:
    run("promtool", "test", "rules", Path(__file__).with_name("alerts.yml"))


def test_every_alert_is_tested_and_says_what_to_do() -> None:
    tests = Path(__file__).with_name("alerts.yml").read_text()
    for alert in ALERTS.read_text().split("- alert: ")[1:]:
        name = alert.partition("\n")[0]
        assert f'alertname="{name}"' in tests, name
        assert "summary: " in alert, name
        assert "description: " in alert, name
        page, _, fragment = re.findall("docs: (.*)", alert)[0].partition("#")
        assert not fragment or fragment in anchors(ROOT / page), name
        assert (ROOT / page).is_file(), name


def test_dashboard_expressions_are_valid(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, expression in enumerate(EXPRESSIONS)
    ]
    file = tmp_path / "rules.yml"  # JSON is YAML, too
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(rules)} rules found" in run("promtool", "check", "rules", file)


def test_dashboard_panels_have_the_chosen_source_and_a_place_of_their_own() -> None:
    [variable] = DASHBOARD["templating"]["list"]
    sources = {each["datasource"]["uid"] for panel in PANELS for each in (panel, *panel["targets"])}
    assert sources == {f"${{{variable['name']}}}"}
    assert len({each["id"] for each in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    places = {
        (x, y)
        for place in (each["gridPos"] for each in DASHBOARD["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    }
    areas = [each["gridPos"]["w"] * each["gridPos"]["h"] for each in DASHBOARD["panels"]]
    assert len(places) == sum(areas)
    assert max(x for x, _ in places) < 24


def test_dashboard_and_alerts_use_metrics_that_exist() -> None:
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
    known = {
        f"{family.name}{suffix}"
        for family in REGISTRY.collect()
        for suffix in suffixes.get(family.type, ("",))
    }
    text = "\n".join([*EXPRESSIONS, ALERTS.read_text().replace("todo-", "")])
    used = set(re.findall(r"\btodo_\w+", text))
    assert used - known == set()
    # The dashboard shows every metric.
    shown = set(re.findall(r"\btodo_\w+", " ".join(EXPRESSIONS)))
    assert {each.removesuffix("_bucket") for each in shown} == {
        re.sub("_(bucket|sum|count)$", "", each) for each in known
    }
