"""What every question says, in the order in which they are asked. Light: `--help` is made of it.

What is asked of one cloud alone is in that cloud's own folder, as text.
"""

import functools
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final


@dataclass(frozen=True, kw_only=True)  # without slots: a question is its words and its rules
class Wording:
    """What one question says."""

    key: str
    """In the answers file; its flag follows from it."""
    text: str
    """As a prompt asks it."""
    help: str
    """As --help explains the flag."""
    kind: type[str] | type[int] | type[bool] = str
    choices: tuple[tuple[str, str], ...] = ()
    """Values and what they mean; empty for free text."""
    must_be_said: bool = False
    """Whether --yes leaves it open: the proposal is a prompt's convenience and no knowledge."""
    cloud: str = ""
    """The cluster type whose place it asks for; empty for what is asked of everybody."""
    place: str = ""
    """The stack file's key of that part of the place."""


@functools.cache
def of_clouds() -> Mapping[str, Mapping[str, Any]]:
    """Return what each cloud says of itself, by cluster type: those that make pools first."""
    folder = resources.files("multiarch") / "model" / "clouds"
    found = {
        one.name: tomllib.loads((one / _FILE).read_text(encoding="utf-8"))
        for one in folder.iterdir()
        if (one / _FILE).is_file()
    }
    return dict(sorted(found.items(), key=lambda item: (_PLACE not in item[1], item[0])))


def wordings() -> Sequence[Wording]:
    """Return all questions, in the order in which they are asked."""
    return (*_BEFORE, _cluster_type(), *_CLUSTER, *_places(), *_AFTER)


def _cluster_type() -> Wording:
    making = [name for name, said in of_clouds().items() if _PLACE in said]
    using = [name for name in of_clouds() if name not in making]
    return Wording(
        key="clusterType",
        text="Kind of cluster",
        help=f"Whose node pools: {', '.join(making)}; or {', '.join(using)}, which creates none.",
        choices=tuple((name, said["title"]) for name, said in of_clouds().items()),
    )


def _places() -> Iterator[Wording]:
    for cloud, said in of_clouds().items():
        for part in said.get(_PLACE, ()):
            yield Wording(key=part["answer"], text=part["text"], help=part["help"], cloud=cloud, place=part["key"])


_FILE: Final = "onboarding.toml"
_PLACE: Final = "place"

_BEFORE: Final[Sequence[Wording]] = (
    Wording(
        key="stack",
        text="Name of the stack",
        help="Name of the stack: its file is stacks/Pulumi.<name>.yaml.",
    ),
)
_CLUSTER: Final[Sequence[Wording]] = (
    Wording(
        key="pools",
        text="Node pools",
        help="create: a pool of each architecture. use: the nodes that are there; nothing is created in the cloud.",
        choices=(("create", "create a pool of each architecture"), ("use", "use the nodes that are there")),
    ),
    Wording(
        key="clusterName",
        text="The cluster's name",
        help="The cluster's name in its cloud; for messages only where the type is existing.",
    ),
)
_AFTER: Final[Sequence[Wording]] = (
    Wording(
        key="access",
        text="How Pulumi reaches the cluster",
        help="cloud: looked up there, with the cloud's own login plugin. kubeconfig: by the context that was seen.",
        choices=(
            ("cloud", "looked up in the cloud, with its login plugin"),
            ("kubeconfig", "by the kubeconfig context that was looked at"),
        ),
    ),
    Wording(
        key="architectures",
        text="Architectures that jobs may select",
        help="both, amd64 or arm64.",
        choices=(("both", "amd64 and arm64"), ("amd64", "amd64 only, for now"), ("arm64", "arm64 only, for now")),
    ),
    Wording(
        key="amd64Machine",
        text="amd64 machine type",
        help="Machine type of the amd64 pool. Proposed: that of the cluster's own.",
    ),
    Wording(
        key="arm64Machine",
        text="arm64 machine type",
        help="Machine type of the arm64 pool. Proposed: one that is like the amd64 pool's.",
    ),
    Wording(
        key="minNodes",
        text="Fewest nodes of each pool",
        help="Fewest nodes of each created pool. 1: the first build of the day does not wait for a machine.",
        kind=int,
    ),
    Wording(
        key="maxNodes",
        text="Most nodes of each pool",
        help="Most nodes of each created pool: it bounds the bill.",
        kind=int,
    ),
    Wording(
        key="protect",
        text="Refuse to delete or replace the pools (protect)",
        help="Whether Pulumi refuses to delete or replace the pools; for production.",
        kind=bool,
    ),
    Wording(
        key="gitlabUrl",
        text="URL of GitLab",
        help="URL of GitLab, for example https://gitlab.com. Never guessed: --yes leaves it open.",
        must_be_said=True,
    ),
    Wording(
        key="tokenSource",
        text="Where the runner's token comes from",
        help="stack: a secret of the stack (`pulumi config set --secret`). secret: a Secret that someone else creates.",
        choices=(
            ("stack", "a secret of the stack (pulumi config set --secret)"),
            ("secret", "a Kubernetes Secret that someone else creates (External Secrets, Vault)"),
        ),
    ),
    Wording(
        key="tokenSecret",
        text="Name of that Secret",
        help="Name of the Secret that holds the token, with --token-source secret.",
    ),
    Wording(
        key="namespace",
        text="Namespace of the runner manager",
        help="Namespace of the runner manager; the stack creates it, so it must not exist yet.",
    ),
    Wording(
        key="jobNamespace",
        text="Namespace of the jobs",
        help="Namespace of the jobs; the stack creates it, so it must not exist yet.",
    ),
    Wording(
        key="concurrent",
        text="Jobs at the same time",
        help="Jobs at the same time, of both architectures together.",
        kind=int,
    ),
)


def flag_of(key: str) -> str:
    """Spell an answers file's key as its flag: `amd64Machine` is `--amd64-machine`."""
    return "--" + "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in key)


def field_of(key: str) -> str:
    """Spell an answers file's key as the field of `Answers`: `amd64Machine` is `amd64_machine`."""
    return flag_of(key)[2:].replace("-", "_")
