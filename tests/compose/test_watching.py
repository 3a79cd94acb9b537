"""Alarms, dashboard and the operators' guide fit one another."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import yaml

from services.console.catalogue import SERVICES

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
RULES = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus" / "alarms.yml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "linli.json").read_text())
EXPRESSIONS = [rule["expr"] for rule in RULES] + [
    target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]
]
#: Names of figures in the expressions; `up` is Prometheus's own.
FIGURES = {
    name for expression in EXPRESSIONS for name in re.findall(r"\b(?:linli|rabbitmq|process)_[a-z_]+\b", expression)
}


def test_every_alarm_has_its_section_in_the_guide_and_every_section_its_alarm() -> None:
    guide = (DEPLOY.parent / "docs" / "operations.md").read_text().split("## When an alarm rings")[1].split("\n## ")[0]
    assert set(re.findall(r"^### (\w+)$", guide, re.MULTILINE)) == {rule["alert"] for rule in RULES}


def test_every_alarm_rings_when_it_should_and_only_then() -> None:
    """Told to Prometheus's own checker: series of figures, and the alarms that they are to ring."""
    cases = Path(__file__).with_name("alarms.yml")
    done = subprocess.run(["promtool", "test", "rules", cases], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rung = {
        test["alertname"]
        for case in yaml.safe_load(cases.read_text())["tests"]
        for test in case["alert_rule_test"]
        if test["exp_alerts"]
    }
    assert rung == {rule["alert"] for rule in RULES}


def test_prometheus_takes_its_configuration() -> None:
    command = ["promtool", "check", "config", "--syntax-only", DEPLOY / "prometheus" / "prometheus.yml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alarm_says_how_urgent_it_is_and_what_it_saw() -> None:
    for rule in RULES:
        assert rule["labels"]["severity"] in ("page", "look")
        assert rule["annotations"]["summary"]


def test_prometheus_asks_every_service() -> None:
    jobs = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    asked = next(job for job in jobs if job["job_name"] == "linli")["static_configs"][0]["targets"]
    assert sorted(asked) == sorted(f"{service}:9100" for service in SERVICES)


def test_the_dashboard_finds_its_source() -> None:
    source = yaml.safe_load((DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yml").read_text())[
        "datasources"
    ][0]
    assert {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]} == {source["uid"]}
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
