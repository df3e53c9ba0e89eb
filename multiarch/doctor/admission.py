"""Asks the API server whether it would take the pods that the runner makes: a dry run, of which nothing is stored.

What Pod Security, quotas, limit ranges, policies and webhooks say of a pod is not imitated here: all of them are asked
at once. As the manager's own service account where the kubeconfig's user may impersonate it, since policies and
webhooks see who creates the pod; else as that user.
"""

from collections.abc import Iterable

from multiarch.cluster.api import ApiRefused
from multiarch.cluster.errors import ClusterError
from multiarch.cluster.readonly import ReadOnlyApi
from multiarch.cluster.seen import why
from multiarch.doctor.facts import Admission, Raw, Runner, quoted, trimmed
from multiarch.doctor.probe import probes
from multiarch.doctor.rights import subject_of
from multiarch.model.executor import JobRefusal, Pod
from multiarch.model.readback import Installed

_FORBIDDEN = 403
_MAY_NOT_IMPERSONATE = "cannot impersonate"
"""k8s.io/apiserver pkg/endpoints/filters/impersonation: `User "x" cannot impersonate resource "serviceaccounts" …`."""
_MAY_NOT_CREATE = 'cannot create resource "pods"'
"""Likewise pkg/endpoints/handlers/responsewriters/errors.go."""
_NOT_OF_THE_POD = (
    "does not support dry run",  # apiserver pkg/admission/plugin/webhook/errors/statuserror.go
    "status unknown for quota",  # apiserver pkg/admission/plugin/resourcequota/controller.go: not counted yet
    "not yet ready to handle request",  # apiserver pkg/admission: its caches are being filled
)
"""Refusals that say nothing of the pod."""
_OF_THE_POD = ("failed calling webhook", "denied the request")
"""Refusals that do, though a webhook may choose the status of a server in trouble for them."""


def admissions_of(reader: ReadOnlyApi, runner: Runner, arches: Iterable[str]) -> list[Admission]:
    """Ask for a runner's pods of each architecture. Nothing that the cluster answers is raised."""
    if runner.installed is None or runner.namespace_per_job:
        return []
    asker = _Asker(reader, runner.title, runner.installed)
    return [asker.ask(arch, pod) for arch, pod in probes(runner, arches).items()]


class _Asker:
    """Asks for one runner: as the manager's account, until that is found to be forbidden."""

    def __init__(self, reader: ReadOnlyApi, title: str, installed: Installed) -> None:
        self._reader = reader
        self._title = title
        self._installed = installed
        self._acting_as = "" if reader.impersonates else subject_of(installed).user

    def ask(self, arch: str, pod: Pod | JobRefusal) -> Admission:
        """Ask for one pod."""
        if isinstance(pod, JobRefusal):
            return Admission(
                runner=self._title,
                arch=arch,
                namespace=self._installed.job_namespace,
                doubt=f"the runner itself refuses such a job: {quoted(pod.reason)}",
            )
        path = f"/api/v1/namespaces/{pod.namespace}/pods"
        try:
            taken = self._reader.would_admit(path, pod.manifest, self._acting_as)
        except ApiRefused as refusal:
            if self._acting_as and refusal.status == _FORBIDDEN and _MAY_NOT_IMPERSONATE in refusal.message:
                self._acting_as = ""
                return self.ask(arch, pod)
            return self._refused(arch, pod, refusal)
        except ClusterError as error:
            return self._answered(arch, pod, doubt=why(error, "a dry run"))
        return self._answered(arch, pod, taken=trimmed(taken))

    def _refused(self, arch: str, pod: Pod, refusal: ApiRefused) -> Admission:
        said = refusal.message
        if not self._acting_as and refusal.status == _FORBIDDEN and _MAY_NOT_CREATE in said:
            return self._answered(arch, pod, doubt=f"the context's user may not try pods in {pod.namespace}")
        telling = refusal.definite or any(words in said for words in _OF_THE_POD)
        if not telling or any(words in said for words in _NOT_OF_THE_POD):
            return self._answered(arch, pod, doubt=f"a dry run: {refusal.status} {quoted(said)}")
        return self._answered(arch, pod, refusal=quoted(said))

    def _answered(
        self, arch: str, pod: Pod, *, taken: Raw | None = None, refusal: str = "", doubt: str = ""
    ) -> Admission:
        manager = f"the manager's account {self._installed.namespace}/{self._installed.service_account}"
        build = next(item for item in pod.manifest["spec"]["containers"] if item["name"] == "build")
        return Admission(
            runner=self._title,
            arch=arch,
            namespace=pod.namespace,
            image=str(build["image"]),
            asker=manager if self._acting_as else "the context's own user",
            pod=taken,
            refusal=refusal,
            doubt=doubt,
        )
