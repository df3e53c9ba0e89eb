"""Which labels a selector matches: `multiarch/cluster/selectors.py`, and lists by the API server."""

from typing import Any

from hypothesis import strategies as st

from multiarch.cluster.api import Api
from multiarch.cluster.selectors import expression, label_selector
from multiarch.drift.live.beside.selectors import may_select
from tests.differential.lab import NAMESPACE, Tally, generated, side_by_side

CONFIG_MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
KEYS = st.sampled_from(["a", "b", "example.org/c"])
WORDS = st.sampled_from(["", "x", "y", "X"])
NUMBERS = st.sampled_from(["0", "5", "05", "6", "5.0", "9223372036854775807", "9223372036854775808", "x", ""])
"""The two long ones are the largest int64, and one more, which is no number."""
LIMITS = st.sampled_from(["0", "5", "05", "9223372036854775807"])
RULE = st.one_of(
    st.fixed_dictionaries(
        {"key": KEYS, "operator": st.sampled_from(["In", "NotIn"]), "values": st.lists(WORDS, min_size=1, max_size=3)}
    ),
    st.fixed_dictionaries({"key": KEYS, "operator": st.sampled_from(["Exists", "DoesNotExist"])}),
)
COMPARISON = st.fixed_dictionaries(
    {"key": KEYS, "operator": st.sampled_from(["Gt", "Lt"]), "values": st.tuples(LIMITS).map(list)}
)
SELECTORS = st.fixed_dictionaries(
    {"matchLabels": st.dictionaries(KEYS, WORDS, max_size=2), "matchExpressions": st.lists(RULE, max_size=3)}
)


def words(rule: dict[str, Any]) -> str:
    """Write one rule as a query has it."""
    key: str = rule["key"]
    values = ",".join(rule.get("values", []))
    spellings = {
        "In": f"{key} in ({values})",
        "NotIn": f"{key} notin ({values})",
        "Exists": key,
        "DoesNotExist": f"!{key}",
        "Gt": f"{key}>{values}",
        "Lt": f"{key}<{values}",
    }
    return spellings[rule["operator"]]


def query(selector: dict[str, Any]) -> str:
    equal = [f"{key}={value}" for key, value in selector["matchLabels"].items()]
    return ",".join([*equal, *(words(rule) for rule in selector["matchExpressions"])])


def labelled(api: Api, rule: str, labels: list[dict[str, str]]) -> str:
    """Make an object for each set of labels; returns what selects them all."""

    def make(numbered: tuple[int, dict[str, str]]) -> None:
        number, given = numbered
        metadata = {"name": f"{rule}-{number}", "labels": {**given, "differential": rule}}
        api.create(CONFIG_MAPS, {"metadata": metadata})

    side_by_side(make, enumerate(labels))
    return f"differential={rule}"


def listed(api: Api, *selectors: str) -> set[int]:
    found = api.items(CONFIG_MAPS, {"labelSelector": ",".join(filter(None, selectors))})
    return {int(item["metadata"]["name"].rpartition("-")[2]) for item in found}


def test_a_label_selector_matches_what_the_api_server_lists(api: Api, tally: Tally) -> None:
    labels = generated(st.dictionaries(KEYS, WORDS, max_size=3), 40)
    all_of_them = labelled(api, "selectors", labels)
    selectors = generated(SELECTORS)
    real = side_by_side(lambda one: listed(api, all_of_them, query(one)), selectors)
    ours = [{number for number, given in enumerate(labels) if label_selector(one, given)} for one in selectors]
    assert ours == [{number for number, given in enumerate(labels) if may_select(one, given)} for one in selectors]
    tally.compare("label selectors, each on 40 sets of labels", zip(selectors, ours, real, strict=True))


def test_gt_and_lt_compare_as_the_api_server_does(api: Api, tally: Tally) -> None:
    labels = generated(st.dictionaries(KEYS, NUMBERS, min_size=1, max_size=3), 100)
    all_of_them = labelled(api, "numbers", labels)
    rules = generated(COMPARISON, 30)
    real = side_by_side(lambda one: listed(api, all_of_them, words(one)), rules)
    cases = [
        (f"{words(rule)} of {given}", expression(rule, given), number in found)
        for rule, found in zip(rules, real, strict=True)
        for number, given in enumerate(labels)
    ]
    tally.compare("labels compared with Gt and Lt", cases)
