"""Scenarios run through the API: dated steps, and the figures that they must give (`docs/scenarios.md`)."""

from services.console.scenario.load import load
from services.console.scenario.model import Scenario
from services.console.scenario.run import run

__all__ = ["Scenario", "load", "run"]
