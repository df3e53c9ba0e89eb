"""The answers that make a stack file, and the keys by which flags and answers files spell them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from components.clouds.machines import Arch
from multiarch.onboard.answers.place import place_said
from multiarch.onboard.answers.texts import field_of, wordings

Value = str | int | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Everything that was said. Names are those of the answers file in snake case; empty text was not asked."""

    stack: str
    """Name of the stack."""
    cluster_type: str
    """Whose pools the stack makes; or that it makes none."""
    cluster_name: str = ""
    """The cluster's name in its cloud."""
    place: Mapping[str, str] = field(default_factory=dict)
    """Where it is: the parts of its place, by the stack file's keys."""
    access: str = "cloud"
    """`cloud` (looked up there) or `kubeconfig` (the context that was looked at)."""
    context: str = ""
    """The kubeconfig context."""
    kubeconfig: str = ""
    """As it is written into the stack file; empty for the default one."""
    pools: str = "create"
    """`create` or `use`."""
    architectures: str = "both"
    """`both`, `amd64` or `arm64`."""
    amd64_machine: str = ""
    """Machine type of the amd64 pool."""
    arm64_machine: str = ""
    """Machine type of the arm64 pool."""
    min_nodes: int = 1
    """Fewest nodes of each created pool."""
    max_nodes: int = 20
    """Most nodes of each created pool."""
    protect: bool = False
    """Whether Pulumi refuses to delete or replace the pools."""
    gitlab_url: str = ""
    """URL of GitLab."""
    token_source: str = "stack"  # noqa: S105 - where it comes from
    """`stack` (a secret of the stack's) or `secret` (a Secret that somebody else makes)."""
    token_secret: str = ""
    """Name of that Secret."""
    namespace: str = "gitlab-runner"
    """Of the runner manager."""
    job_namespace: str = "gitlab-runner-jobs"
    """Of the jobs."""
    concurrent: int = 20
    """Jobs at the same time, of both architectures together."""

    @property
    def own_token(self) -> bool:
        """Whether the runner's token is a secret of the stack's."""
        return self.token_source == "stack"  # noqa: S105 - as above

    @property
    def archs(self) -> tuple[Arch, ...]:
        """The architectures that jobs may select, amd64 first."""
        return tuple(Arch) if self.architectures == "both" else (Arch(self.architectures),)


def answers_of(said: Mapping[str, Value]) -> Answers:
    """Make Answers of values by key. The values were checked when they were taken."""
    place = place_said(str(said["clusterType"]), said)
    asked = {wording.key for wording in wordings() if wording.cloud}
    fields = {field_of(key): value for key, value in said.items() if key not in asked}
    return Answers(place=place, **fields)  # type: ignore[arg-type]  # each question gives its own type
