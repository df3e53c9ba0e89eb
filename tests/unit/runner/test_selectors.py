import re
from collections.abc import Callable

import pytest
import re2  # type: ignore[import-untyped]  # google-re2 ships no stubs
from hypothesis import given
from hypothesis import strategies as st

from components.clouds.machines import Arch
from components.runner.selectors import allowed_selectors, alternatives, check_selectors
from components.runner.settings import RunnerConfig
from tests.unit.runner.conftest import told

Read = Callable[..., RunnerConfig]

DEFAULT = r"^kubernetes\.io/arch=(amd64|arm64)$"
INTENDED = {"kubernetes.io/arch=amd64", "kubernetes.io/arch=arm64"}

near_misses = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "x.", "beta.", " ", "\n", "kubernetes.io/arch=amd64,"]),
    st.sampled_from(["kubernetes.io/arch", "kubernetesXio/arch", "kubernetes.io/os", "arch", ""]),
    st.sampled_from(["=amd64", "=arm64", "=s390x", "=amd64x", "=amd64\n", "=", "", "=arm", "=arm64|amd64", "==arm64"]),
)
label_keys = st.from_regex(
    r"([a-z]([a-z0-9-]{0,7}[a-z0-9])?\.[a-z]{2,3}/)?[a-z]([a-z0-9_.-]{0,10}[a-z0-9])?", fullmatch=True
)
label_values = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9_-]{0,10}[A-Za-z0-9])?", fullmatch=True)


def admits(regex: str, selector: str) -> bool:
    """Match as GitLab Runner does: anywhere in the text."""
    return re2.search(regex, selector) is not None


def test_the_default_regex_is_exactly_the_documented_one(runner: Read) -> None:
    assert allowed_selectors(runner()) == DEFAULT
    assert check_selectors(runner()) == []


@given(st.one_of(st.sampled_from(sorted(INTENDED)), near_misses, st.text()))
def test_the_default_regex_admits_the_served_architectures_and_nothing_else(selector: str) -> None:
    assert admits(DEFAULT, selector) == (selector in INTENDED)


@given(key=label_keys, values=st.lists(label_values, min_size=1, max_size=3), other=st.one_of(near_misses, st.text()))
def test_a_further_selector_admits_its_own_values_and_no_other_architecture(
    key: str, values: list[str], other: str
) -> None:
    config = RunnerConfig(gitlab_url="https://gitlab.com", selectors=[f"{key}={'|'.join(values)}"])
    intended = INTENDED | {f"{key}={value}" for value in values}
    regex = allowed_selectors(config)
    assert check_selectors(config) == []
    assert all(admits(regex, selector) for selector in intended)
    assert admits(regex, other) == (other in intended)
    assert not any(admits(regex, f"{noise}{selector}") for noise in ("x", "x.") for selector in INTENDED)


def test_a_flag_in_one_selector_does_not_reach_the_next(runner: Read) -> None:
    regex = allowed_selectors(runner(selectors=["team=(?i)a", "disktype=ssd"]))
    assert admits(regex, "team=A")
    assert not admits(regex, "disktype=SSD")


def test_the_label_of_a_selector_is_literal(runner: Read) -> None:
    for written in ("example.com/team=a", r"example\.com/team=a"):
        regex = allowed_selectors(runner(selectors=[written]))
        assert admits(regex, "example.com/team=a")
        assert not admits(regex, "exampleXcom/team=a")


def test_one_architecture_alone_is_the_only_one_admitted(runner: Read) -> None:
    regex = allowed_selectors(runner(architectures=["amd64"]))
    assert admits(regex, "kubernetes.io/arch=amd64")
    assert not admits(regex, "kubernetes.io/arch=arm64")


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("disktype", "no '='"),
        ("^disktype=ssd$", "own anchors"),
        ("disktype=ssd$", "own anchors"),
        ("-disk=ssd", "not a Kubernetes label key"),
        ("=ssd", "not a Kubernetes label key"),
        ("kubernetes.io/arch=s390x", "selects an architecture"),
        ("beta.kubernetes.io/arch=arm64", "selects an architecture"),
        ("multiarch-runner.io/arch=.*", "selects an architecture"),
        ("team=(a", "not a valid RE2 expression"),
        ("team=a)|(b", "not a valid RE2 expression"),
        ("team=(?=a)", "not a valid RE2 expression"),
        (r"team=\Qa", "not a valid RE2 expression"),
        (r"team=\C", "not a valid RE2 expression"),
    ],
)
def test_a_selector_that_cannot_work_is_refused_at_its_place_in_the_list(
    runner: Read, selector: str, found: str
) -> None:
    problems = told(lambda: check_selectors(runner(selectors=["disktype=ssd", selector])))
    assert [problem.path for problem in problems] == ["runner.selectors[1]"]
    assert found in problems[0].found


@pytest.mark.parametrize(
    ("regex", "says"),
    [
        ("", "silently ignore every job's selector"),
        ("  ", "silently ignore every job's selector"),
        (r"kubernetes\.io/arch=(amd64|arm64)", "looks for a match anywhere"),
        (r"^kubernetes\.io/arch=(amd64|arm64)", "looks for a match anywhere"),
        (r"kubernetes\.io/arch=(amd64|arm64)$", "looks for a match anywhere"),
        (r"^kubernetes\.io/arch=amd64$|kubernetes\.io/arch=arm64$", "looks for a match anywhere"),
        (r"^kubernetes\.io/arch=amd64|kubernetes\.io/arch=arm64$", "looks for a match anywhere"),
        (r"(?m)^kubernetes\.io/arch=(amd64|arm64)$", "looks for a match anywhere"),
        (r"^kubernetes\.io/arch=(amd64|arm64)\$", "looks for a match anywhere"),
        (r"^kubernetes.io/arch=(amd64|arm64)$", "also admits 'kubernetesXio/arch=amd64'"),
        (r"^kubernetes\.io/arch=.*$", "also admits 'kubernetes.io/arch=s390x'"),
        (r"^.*kubernetes\.io/arch=(amd64|arm64)$", "also admits 'beta.kubernetes.io/arch=amd64'"),
        (r"^(?m)kubernetes\.io/arch=(amd64|arm64)$", "also admits"),
        (r"^kubernetes\.io/arch=amd64$", "does not admit kubernetes.io/arch=arm64"),
        (r"^(?=a)$", "not a valid RE2 expression"),
    ],
)
def test_a_raw_regex_that_misleads_is_refused_with_what_upstream_would_do(runner: Read, regex: str, says: str) -> None:
    problems = told(lambda: check_selectors(runner(selectorRegex=regex)))
    assert [problem.path for problem in problems] == ["runner.selectorRegex"]
    assert says in str(problems[0])


@pytest.mark.parametrize(
    "regex",
    [
        DEFAULT,
        r"^kubernetes\.io/arch=amd64$|^kubernetes\.io/arch=arm64$",
        r"\Akubernetes\.io/arch=(amd64|arm64)\z",
        r"^(kubernetes\.io/arch=(amd64|arm64)|zone=[a|b]\|c)$",
        r"^\Qkubernetes.io/arch=\E(amd64|arm64)$",
    ],
)
def test_a_well_anchored_raw_regex_is_taken_as_it_is(runner: Read, regex: str) -> None:
    config = runner(selectorRegex=regex)
    assert check_selectors(config) == []
    assert allowed_selectors(config) == regex


def test_selectors_beside_a_raw_regex_are_refused_because_they_would_be_ignored(runner: Read) -> None:
    problems = check_selectors(runner(selectorRegex=DEFAULT, selectors=["disktype=ssd"]))
    assert [problem.path for problem in problems] == ["runner.selectors"]


regexes = st.recursive(
    st.one_of(
        st.from_regex(r"[a-z.]{1,3}", fullmatch=True),
        st.sampled_from([r"\|", "[a|)]", "[]|]", r"\Q|(\E", "[[:alpha:]|]"]),
    ),
    lambda inner: st.one_of(
        inner.map("({})".format),
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.tuples(inner, inner).map("|".join),
    ),
    max_leaves=8,
)


@given(regexes)
def test_splitting_at_the_outermost_bars_loses_nothing_and_leaves_valid_parts(regex: str) -> None:
    parts = alternatives(regex)
    assert "|".join(parts) == regex
    for part in parts:
        re2.compile(part)


@given(st.lists(regexes.filter(lambda text: len(alternatives(text)) == 1), min_size=1, max_size=4))
def test_every_outermost_alternative_is_found(parts: list[str]) -> None:
    assert alternatives("|".join(parts)) == parts


def test_architectures_are_listed_in_one_order_whatever_the_stack_file_says(runner: Read) -> None:
    assert allowed_selectors(runner(architectures=["arm64", "amd64"])) == DEFAULT
    assert re.findall("amd64|arm64", DEFAULT) == list(Arch)
