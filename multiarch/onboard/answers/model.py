"""The answers that make a stack file, and the keys by which flags and answers files spell them."""

from collections.abc import Mapping
from dataclasses import dataclass

from components.clouds.machines import Arch

Value = str | int | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Everything that was said. Names are those of the answers file in snake case; empty text was not asked."""

    stack: str
    cluster_type: str
    """`gke`, `eks`, `aks` or `existing`: whose pools the stack makes, or that it makes none."""
    cluster_name: str = ""
    gcp_project: str = ""
    location: str = ""
    region: str = ""
    resource_group: str = ""
    subscription: str = ""
    access: str = "cloud"
    """`cloud` (looked up there) or `kubeconfig` (the context that was looked at)."""
    context: str = ""
    kubeconfig: str = ""
    """As it is written into the stack file; empty for the default one."""
    pools: str = "create"
    """`create` or `use`."""
    architectures: str = "both"
    """`both`, `amd64` or `arm64`."""
    amd64_machine: str = ""
    arm64_machine: str = ""
    min_nodes: int = 1
    max_nodes: int = 20
    protect: bool = False
    gitlab_url: str = ""
    token_source: str = "stack"  # noqa: S105 - where it comes from
    """`stack` (a secret of the stack's) or `secret` (a Secret that somebody else makes)."""
    token_secret: str = ""
    namespace: str = "gitlab-runner"
    job_namespace: str = "gitlab-runner-jobs"
    concurrent: int = 20

    @property
    def own_token(self) -> bool:
        """Whether the runner's token is a secret of the stack's."""
        return self.token_source == "stack"  # noqa: S105 - as above

    @property
    def archs(self) -> tuple[Arch, ...]:
        """The architectures that jobs may select, amd64 first."""
        return tuple(Arch) if self.architectures == "both" else (Arch(self.architectures),)


def flag_of(key: str) -> str:
    """Spell an answers file's key as its flag: `amd64Machine` is `--amd64-machine`."""
    return "--" + "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in key)


def field_of(key: str) -> str:
    """Spell an answers file's key as the field of `Answers`: `amd64Machine` is `amd64_machine`."""
    return flag_of(key)[2:].replace("-", "_")


def answers_of(said: Mapping[str, Value]) -> Answers:
    """Make Answers of values by key. The values were checked when they were taken."""
    fields = {field_of(key): value for key, value in said.items()}
    return Answers(**fields)  # type: ignore[arg-type]  # each question gives its own type
