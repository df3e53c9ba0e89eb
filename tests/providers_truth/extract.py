"""What each provider replaces, read from its own sources, and recorded for the rehearsal's stand-ins.

`python -m tests.providers_truth.extract --sources DIR` reads what it finds of DIR/terraform-provider-google and
DIR/pulumi-kubernetes (a checkout or a bare repository each), and botocore if it is installed; it rewrites those parts
of the record and keeps the others, which a person read where they are said to be from.
"""

import argparse
import gzip
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pulumi import _types

from multiarch.model.plan.schema import args_class, branches
from multiarch.model.providers.registry import record_of
from tests.providers_truth.go_schema import attributes

Section = dict[str, Any]
NODE_POOL = "gcp:container/nodePool:NodePool"
GOOGLE = "terraform-provider-google"
KUBERNETES = "pulumi-kubernetes"
_GOOGLE_FILES = tuple(
    f"google/services/container/{name}.go" for name in ("resource_container_node_pool", "node_config")
)
_KUBERNETES_FILE = "provider/pkg/provider/diff.go"
_KUBERNETES_RELEASE = "provider/pkg/provider/helm_release.go"

EKS_NAMES: Mapping[str, tuple[str, ...]] = {
    "nodegroupName": ("nodeGroupName", "nodeGroupNamePrefix"),
    "nodeRole": ("nodeRoleArn",),
    "subnets": ("subnetIds",),
    "launchTemplate": (),  # by part, below
    "clientRequestToken": (),
}
ROLE_NAMES: Mapping[str, tuple[str, ...]] = {
    "RoleName": ("name", "namePrefix"),
    "Path": ("path",),
    "AssumeRolePolicyDocument": ("assumeRolePolicy",),
    "Description": ("description",),
    "MaxSessionDuration": ("maxSessionDuration",),
    "PermissionsBoundary": ("permissionsBoundary",),
    "PolicyDocument": ("assumeRolePolicy",),
    "Tags": ("tags",),
}
WHOSE = frozenset({"clusterName", "nodeGroupName", "nodeGroupNamePrefix", "name", "namePrefix"})
"""What every update takes to say which group or role it is about."""


class MissingSourceError(Exception):
    """A source is not here. The message says what to do."""


def source_of(sources: Path, owner: str, name: str, what: str) -> str:
    """Name a source with its commit, as far as it is a repository."""
    for folder in (sources / name, *sources.glob(f"*+{name}/repo")):
        shown = ["git", "-C", str(folder), "rev-parse", "--short=8", "HEAD"]
        done = subprocess.run(shown, capture_output=True, text=True, check=False)
        if not done.returncode:
            return f"{owner}/{name}@{done.stdout.strip()} {what}"
    return f"{owner}/{name} {what}"


def read_source(sources: Path, name: str, path: str) -> str:
    """Return one file of a checkout or a bare repository. Raises MissingSourceError."""
    for folder in (sources / name, *sources.glob(f"*+{name}/repo")):
        if (folder / path).is_file():
            return (folder / path).read_text(encoding="utf-8")
        shown = ["git", "-C", str(folder), "show", f"HEAD:{path}"]
        if (
            folder.is_dir()
            and not (done := subprocess.run(shown, capture_output=True, text=True, check=False)).returncode
        ):
            return done.stdout
    raise MissingSourceError(f"{sources} holds no {name} with {path}: clone it there")


def google(sources: Path) -> dict[str, Section]:
    """Read the node pool: ForceNew of an attribute, and of a block, which is its coming and going alone."""
    import pulumi_gcp.container as sdk  # noqa: PLC0415 - a gigabyte of SDK, for this part only

    found = attributes(
        {path: read_source(sources, GOOGLE, path) for path in _GOOGLE_FILES}, "ResourceContainerNodePool"
    )
    named = {path: item for key, item in found.items() for path, item in _in_sdk(key, item, args_class(sdk.NodePool))}
    return {
        NODE_POOL: {
            "source": source_of(sources, "hashicorp", GOOGLE, f"{', '.join(_GOOGLE_FILES)}: ForceNew"),
            "replaces": sorted(path for path, item in named.items() if item.forces_new and not item.children),
            "replaces_when_added_or_removed": sorted(
                path for path, item in named.items() if item.forces_new and item.children
            ),
            "in_place": sorted(path for path, item in named.items() if not item.forces_new and not item.children),
        }
    }


def _in_sdk(name: str, item: Any, cls: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield an attribute and those within by Pulumi's names; what the SDK takes no input for is left out."""
    fields = _types.input_type_types(cls)
    camel = re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), name)
    known = next((form for form in (camel, f"{camel}s", f"{camel.removesuffix('y')}ies") if form in fields), None)
    if known is None:
        return
    here = f"{path}.{known}" if path else known
    yield here, item
    inner = next((one for one in _inner_types(fields[known]) if _types.is_input_type(one)), None)
    for key, child in item.children.items():
        if inner is not None:
            yield from _in_sdk(key, child, inner, here)


def _inner_types(kind: Any) -> Iterator[Any]:
    for branch in branches(kind):
        arguments = getattr(branch, "__args__", ())
        yield branch
        for argument in arguments:
            yield from _inner_types(argument)


def kubernetes(sources: Path) -> dict[str, Section]:
    """Read forceNew of the kinds that the stand-in knows, and of a release."""
    from multiarch.model.providers.kubernetes_objects import SCOPES  # noqa: PLC0415 - likewise

    text = read_source(sources, KUBERNETES, _KUBERNETES_FILE)
    release = read_source(sources, KUBERNETES, _KUBERNETES_RELEASE)
    source = source_of(sources, "pulumi", KUBERNETES, f"{_KUBERNETES_FILE}: forceNew")
    every = [".kind", ".apiVersion", *_metadata(text)]
    named = re.findall(r"var (\w+) = (?:append\()?\s*properties\{(.*?)\}", text, re.DOTALL)
    shared = {name: _quoted(body) for name, body in named}
    sections: dict[str, Section] = {}
    for scope in SCOPES:
        body = re.search(rf'"{scope.kind}":\s*(?:append\(\s*)?(?:properties\{{(.*?)\}}|(\w+))', text, re.DOTALL)
        own = [] if body is None else _quoted(body[1]) if body[1] is not None else shared.get(body[2], [])
        if scope.kind in ("Secret", "ConfigMap"):
            own += _quoted_of_kind(text, scope.kind)
        replaces = sorted({path.removeprefix(".") for path in (*every, *own)})
        sections[scope.token] = {"source": source, "replaces": replaces}
    fields = re.search(r"forceNewFields := \[\]string\{(.*?)\}", release)
    assert fields is not None
    sections["kubernetes:helm.sh/v3:Release"] = {
        "source": source_of(sources, "pulumi", KUBERNETES, f"{_KUBERNETES_RELEASE}: forceNewFields"),
        "replaces": sorted(path[1:] for path in _quoted(fields[1])),
    }
    return sections


def _metadata(text: str) -> list[str]:
    body = re.search(r"func metadataForceNewProperties.*?return properties\{(.*?)\n\t?\}", text, re.DOTALL)
    assert body is not None, "metadataForceNewProperties is written in another way now"
    return [f".metadata{path}" for path in _quoted(body[1])]


def _quoted_of_kind(text: str, kind: str) -> list[str]:
    body = re.search(rf"clients\.Is{kind}\(obj\).*?properties\{{(.*?)\}}", text, re.DOTALL)
    assert body is not None, f"forceNewProperties speaks of {kind} in another way now"
    return _quoted(body[1])


def _quoted(text: str) -> list[str]:
    return re.findall(r'"([^"]+)"', text)


def botocore_model(service: str, version: str) -> Mapping[str, Any]:
    """Return the shapes of an AWS service's API. Raises MissingSourceError."""
    found = importlib.util.find_spec("botocore")
    if found is None or not found.submodule_search_locations:
        raise MissingSourceError("botocore is not installed: pip install botocore")
    path = Path(found.submodule_search_locations[0], "data", service, version, "service-2.json.gz")
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        shapes: Mapping[str, Any] = json.load(stream)["shapes"]
    return shapes


def aws(_: Path) -> dict[str, Section]:
    """Read what the APIs take at creation and in no update: that, a provider can only replace."""
    eks = botocore_model("eks", "2017-11-01")
    updates = ("UpdateNodegroupConfig", "UpdateNodegroupVersion", "TagResource")
    group = _by_updates(eks, "CreateNodegroup", updates, EKS_NAMES)
    template = eks["UpdateNodegroupVersionRequest"]["members"]["launchTemplate"]["documentation"]
    assert "must specify the same launch template ID or name" in template, "EKS says something else of templates now"
    # `region` is the provider's own argument, which every resource is forced new by (forceNewIfRegionChanges).
    group["replaces"] = sorted([*group["replaces"], "launchTemplate.id", "launchTemplate.name", "region"])
    group["in_place"] = sorted([*group["in_place"], "launchTemplate.version"])
    iam = botocore_model("iam", "2010-05-08")
    changing = ("UpdateRole", "UpdateAssumeRolePolicy", "PutRolePermissionsBoundary", "TagRole")
    role = _by_updates(iam, "CreateRole", changing, ROLE_NAMES)
    return {"aws:eks/nodeGroup:NodeGroup": group, "aws:iam/role:Role": role}


def _by_updates(
    shapes: Mapping[str, Any], create: str, updates: tuple[str, ...], names: Mapping[str, tuple[str, ...]]
) -> Section:
    """Sort what a creation takes by whether an update takes it too; what only says whose update it is, changes none."""

    def inputs(operation: str) -> set[str]:
        return {name for member in shapes[f"{operation}Request"]["members"] for name in names.get(member, (member,))}

    changeable = {name for update in updates for name in inputs(update)} - WHOSE
    made = inputs(create)
    return {"replaces": sorted(made - changeable), "in_place": sorted(made & changeable)}


PARTS: Mapping[str, Callable[[Path], dict[str, Section]]] = {"google": google, "kubernetes": kubernetes, "aws": aws}


def main(arguments: list[str]) -> int:
    """Rewrite the parts of the record whose sources are here."""
    parser = argparse.ArgumentParser(prog="python -m tests.providers_truth.extract", description=__doc__)
    parser.add_argument("--sources", type=Path, required=True, help="folder that holds the sources")
    sources = parser.parse_args(arguments).sources
    for name, read in PARTS.items():
        try:
            found = read(sources)
        except MissingSourceError as missing:
            sys.stdout.write(f"{name}: kept; {missing}\n")
            continue
        for token, section in found.items():
            _remember(token, section)
        sys.stdout.write(f"{name}: read, {len(found)} kinds\n")
    return 0


def _remember(token: str, section: Section) -> None:
    path = record_of(token)
    record = json.loads(path.read_text(encoding="utf-8"))
    record[token] = {**record.get(token, {}), **section}
    path.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
