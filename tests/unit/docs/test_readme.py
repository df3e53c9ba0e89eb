"""The README's first screen is the real thing: its stack file is the shipped one, and its price that of the tables."""

import re

import yaml

from multiarch.onboard.decide.prices import price, tables
from tests.repository import ROOT

README = (ROOT / "README.md").read_text("utf-8")


def test_the_stack_file_of_the_first_screen_is_the_shipped_one() -> None:
    shown = yaml.safe_load(README.split("```yaml\n", 1)[1].split("```", 1)[0])
    assert shown == yaml.safe_load((ROOT / "stacks/Pulumi.gke.yaml").read_text("utf-8"))


def test_the_price_of_the_first_screen_is_that_of_its_machine_types() -> None:
    told = re.search(r"one (\S+) and one\s+(\S+): \$([\d.]+) an hour \(list prices of (\S+), (\w+ \d+)\)", README)
    assert told is not None
    first, second, dollars, region, month = told.groups()
    table = tables()["gke"]
    assert (region, month) == (table.region, f"{table.date:%B %Y}")
    assert float(dollars) == round((price("gke", first) or 0) + (price("gke", second) or 0), 2)
