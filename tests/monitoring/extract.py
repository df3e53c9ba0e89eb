"""Which metrics there are, read from their exporters' own sources, and recorded.

`python -m tests.monitoring.extract --sources DIR` reads DIR/gitlab-runner, DIR/kube-state-metrics, DIR/client_golang
and DIR/prometheus-operator (a checkout or a bare repository each, with the tags below) and rewrites `metrics.json`. The
record holds names, labels, values and types alone; no other test run reads a source.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from components.versions import CHART_VERSION, RUNNER_OF_CHART

RECORD: Final = Path(__file__).with_name("metrics.json")
RUNNER: Final = "gitlab-runner"
KUBE_STATE: Final = "kube-state-metrics"
CLIENT: Final = "client_golang"
OPERATOR: Final = "prometheus-operator"
TAGS: Final[Mapping[str, str]] = {
    RUNNER: f"v{RUNNER_OF_CHART[CHART_VERSION]}",
    KUBE_STATE: "v2.20.0",
    CLIENT: "v1.23.2",  # what go.mod of that runner requires
    OPERATOR: "v0.93.0",
}
VALUES: Final[Mapping[str, tuple[str, str]]] = {
    "failure_reason": ("common/network.go", r'spec\.JobFailureReason = "(\w+)"'),
    "stage": ("common/build.go", r'BuildStage = "(\w+)"'),
    "endpoint": ("network/api_requests_collector.go", r'apiEndpoint = "(\w+)"'),
}
"""Labels of the runner whose values are constants of its source."""

_RULES_CRD = "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml"
_SAID_ELSEWHERE = frozenset({"description", "properties", "items", "additionalProperties"})
_LIST = r"\[\]string\{([^}]*)\}"
_DESC = re.compile(rf'NewDesc\(\s*(?:ns\s*\+\s*)?"([a-z_]+)",\s*"[^"]*",\s*(?:{_LIST}|nil)', re.DOTALL)
_OPTS = re.compile(
    rf"New(Counter|Gauge|Histogram)(Vec|Func)?\(\s*prometheus\.\w+Opts\{{(.*?)\n?\s*\}},?\s*(?:{_LIST}|\w+|\))",
    re.DOTALL,
)
_FAMILY = re.compile(r'generator\.(New\w*FamilyGenerator\w*)\(\s*(?:"(\w+)"|(\w+)),(.*?)\nfunc ', re.DOTALL)


class MissingSourceError(Exception):
    """A source is not here. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Source:
    """A repository at a tag."""

    folder: Path
    tag: str

    @classmethod
    def of(cls, sources: Path, name: str) -> "Source":
        """Find it. Raises MissingSourceError."""
        for folder in (sources / name, *sources.glob(f"*+{name}/repo")):
            asked = ["git", "-C", str(folder), "rev-parse", "--verify", "--quiet", f"{TAGS[name]}^{{commit}}"]
            if folder.is_dir() and not subprocess.run(asked, capture_output=True, check=False).returncode:
                return cls(folder, TAGS[name])
        raise MissingSourceError(f"{sources} holds no {name} with the tag {TAGS[name]}: clone it there")

    def files(self, *patterns: str) -> Iterator[tuple[str, str]]:
        """Yield paths and texts of the Go files that contain a pattern."""
        asked = [*(part for pattern in patterns for part in ("-e", pattern)), self.tag, "--", "*.go"]
        for line in self._git("grep", "-l", *asked).splitlines():
            path = line.partition(":")[2]
            if not path.endswith("_test.go"):
                yield path, self.read(path)

    def read(self, path: str) -> str:
        """Return one file."""
        return self._git("show", f"{self.tag}:{path}")

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(self.folder), *arguments], capture_output=True, text=True, check=True)
        return done.stdout


def runner(sources: Path) -> dict[str, Any]:
    """Read the runner's collectors, and the values of its labels."""
    source = Source.of(sources, RUNNER)
    metrics = dict(_collectors(source, "prometheus.New", "gitlab_runner_"))
    values = {label: sorted(re.findall(form, source.read(path))) for label, (path, form) in VALUES.items()}
    return {"version": source.tag, "metrics": metrics, "values": values}


def client(sources: Path) -> dict[str, Any]:
    """Read what every Go program serves of its own process."""
    source = Source.of(sources, CLIENT)
    found = _collectors(source, "process_resident_memory_bytes", "process_")
    return {"version": source.tag, "metrics": {name: found for name, found in found if "collector.go" in found["file"]}}


def kube_state(sources: Path) -> dict[str, Any]:
    """Read the families of pods and nodes: their labels, and which have to be opted into."""
    source, metrics = Source.of(sources, KUBE_STATE), {}
    for path in ("internal/store/pod.go", "internal/store/node.go"):
        text = source.read(path) + "\nfunc "
        names = dict(re.findall(r'(\w+)\s*=\s*"(kube_\w+)"', text))
        common = re.search(rf"desc\w+DefaultLabels\s*=\s*{_LIST}", text)
        assert common is not None, f"{path} names its default labels in another way now"
        for made, literal, constant, body in _FAMILY.findall(text):
            prefix = re.search(r'(?:kubeMapToPrometheusLabels|createPrometheusLabelKeysValues)\("(\w+)"', body)
            own = {label for group in re.findall(rf"LabelKeys\s*[:=]+\s*{_LIST}", body) for label in _quoted(group)}
            metrics[literal or names[constant]] = {
                "labels": sorted({*_quoted(common[1]), *own}),
                "file": path,
                **({"prefix": f"{prefix[1]}_"} if prefix else {}),
                **({"optIn": True} if "OptIn" in made else {}),
            }
    return {"version": source.tag, "metrics": metrics}


def operator(sources: Path) -> dict[str, Any]:
    """Read what an API server checks of a PrometheusRule."""
    source = Source.of(sources, OPERATOR)
    crd = yaml.safe_load(source.read(_RULES_CRD))
    (version,) = crd["spec"]["versions"]
    return {"version": source.tag, "PrometheusRule": shape(version["schema"]["openAPIV3Schema"])}


def shape(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a schema demands, by path: `spec.groups[].rules[].for`. The status is the operator's own."""
    return {path: found for path, found in _demands(schema, "") if not path.startswith("status")}


def _demands(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, {key: value for key, value in schema.items() if key not in _SAID_ELSEWHERE}
    for name, inner in (schema.get("properties") or {}).items():
        yield from _demands(inner, f"{path}.{name}".removeprefix("."))
    for key, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(inner := schema.get(key), Mapping):
            yield from _demands(inner, f"{path}{mark}")


def _collectors(source: Source, pattern: str, prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, text in source.files(pattern):
        for name, labels in _DESC.findall(text):
            if name.startswith(prefix):
                yield name, {"labels": _quoted(labels), "file": path}
        for match in _OPTS.finditer(text):
            kind, several, options, labels = match.groups()
            name = re.search(r'Name:\s*"(\w+)"', options)
            if name is not None and name[1].startswith(prefix):
                buckets = re.search(r"Buckets:\s*\[\]float64\{([^}]*)\}", options)
                yield (
                    name[1],
                    {
                        # Null: made at run time, so that nothing can be said of them.
                        "labels": None if several == "Vec" and labels is None else _quoted(labels or ""),
                        "file": path,
                        "type": kind.lower(),
                        **({"buckets": [float(each) for each in buckets[1].split(",")]} if buckets else {}),
                    },
                )


def _quoted(text: str) -> list[str]:
    return re.findall(r'"([^"]+)"', text)


def read_all(sources: Path) -> dict[str, Any]:
    """Read everything. Raises MissingSourceError."""
    return {
        RUNNER: runner(sources),
        KUBE_STATE: kube_state(sources),
        CLIENT: client(sources),
        OPERATOR: operator(sources),
    }


def main(arguments: list[str]) -> int:
    """Rewrite the record."""
    parser = argparse.ArgumentParser(prog="python -m tests.monitoring.extract", description=__doc__)
    parser.add_argument("--sources", type=Path, required=True, help="folder that holds the sources")
    try:
        record = read_all(parser.parse_args(arguments).sources)
    except MissingSourceError as missing:
        sys.stderr.write(f"{missing}\n")
        return 3
    RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    sys.stdout.write("".join(f"{name}: {part['version']}\n" for name, part in record.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
