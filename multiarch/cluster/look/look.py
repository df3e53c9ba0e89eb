"""One look at a cluster: all questions side by side, none of which can change anything."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from multiarch.cluster.api import Api, ApiRefused
from multiarch.cluster.errors import UnreachableError
from multiarch.cluster.look import autoscaler, network, runners
from multiarch.cluster.look.asking import Questions, refused
from multiarch.cluster.look.contract import CloudMarks
from multiarch.cluster.look.marks import EVERYWHERE, NodeMarks
from multiarch.cluster.look.model import Look
from multiarch.cluster.look.names import KubeconfigNames, plain_name
from multiarch.cluster.look.namespaces import NamespaceSeen, namespaces
from multiarch.cluster.look.nodes import PAGE, NodeCount
from multiarch.cluster.look.provider import whose
from multiarch.cluster.look.rights import Need, rights, standard_needs
from multiarch.cluster.look.version import pod_security
from multiarch.cluster.readonly import ReadOnlyApi
from multiarch.cluster.seen import Seen
from multiarch.core.verdict import Answer, Verdict

AT_ONCE: Final = 8
"""Questions under way at a time: enough to hide their way, few enough for a server's fairness queues."""
_SYSTEM: Final = "kube-system"
_LIVE_RELEASES: Final = "owner=helm,status notin (superseded,uninstalled)"
_DEPLOYMENTS: Final = "deployments"


def _silent(what: str) -> None:
    del what


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answers:
    """What came back from everything but the nodes."""

    groups: Seen[dict[str, Any] | None]
    daemon_sets: Seen[list[dict[str, Any]]]
    deployments: Seen[list[dict[str, Any]]]
    releases: Seen[list[dict[str, Any]]]
    status: Seen[dict[str, Any] | None]
    cilium: Seen[dict[str, Any] | None]
    vpc_cni: Seen[dict[str, Any] | None]
    autoscalers: tuple[dict[str, Any], ...] = ()
    """Deployments of autoscalers, whole."""


def look(  # noqa: PLR0913 - what to look at, and how
    api: Api,
    *,
    context: str,
    server: str,
    clouds: Mapping[str, CloudMarks],
    namespaces: Sequence[str] = ("gitlab-runner", "gitlab-runner-jobs"),
    needs: Sequence[Need] | None = None,
    names: KubeconfigNames | None = None,
    progress: Callable[[str], None] = _silent,
) -> Look:
    """Look at a cluster without changing anything: GET, LIST and access reviews.

    `clouds` are those that it may be of. `namespaces` are those of the manager and of its jobs, in this order.
    `needs` is what the user's rights are asked for (default: what any stack with these namespaces needs); an empty
    sequence asks for none. `names` is what the kubeconfig calls the context's parts. What the user may not see is
    in `Look.unseen`, and no error.
    Raises UnreachableError when the server does not answer, or accepts nobody's credentials.
    """
    began = time.monotonic()
    ask = Questions(ReadOnlyApi(api))
    progress("asking for its version")
    version = _version(ask)
    manager, jobs = namespaces[0], namespaces[-1]
    wanted = standard_needs(manager, jobs) if needs is None else needs
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="look") as pool:
        progress("reading nodes, workloads and settings")
        counted = pool.submit(_nodes, ask, EVERYWHERE.with_clouds(cloud.nodes for cloud in clouds.values()))
        answers = _answers_of(ask, namespaces, pool)
        places = _places(ask, namespaces, pool)
        progress("asking what you may do")
        allowed = rights(ask, wanted, jobs, pool) if wanted else ()
        count, nodes_unseen = counted.result()
    return _look_of(
        _Gathered(
            context=context,
            server=server,
            version=version,
            names=names or KubeconfigNames(context=context),
            count=count,
            nodes_unseen=nodes_unseen,
            answers=answers,
            places=places,
            clouds=clouds,
        ),
        allowed=allowed,
        seconds=time.monotonic() - began,
        requests=ask.api.requests,
    )


def _version(ask: Questions) -> str:
    answer = ask.get("/version", "the version")
    version = str((answer.value or {}).get("gitVersion") or "").removeprefix("v")
    if not version:
        raise UnreachableError(
            f"the server does not report its version ({answer.failure or 'it is not a Kubernetes API server'})"
        )
    return version


def _nodes(ask: Questions, known: NodeMarks) -> tuple[NodeCount, str]:
    """Count the nodes page by page; also return why the list ended early, if it did."""
    count = NodeCount(known=known)
    try:
        for page in ask.api.pages("/api/v1/nodes", size=PAGE):
            for node in page:
                count.add(node)
    except ApiRefused as refusal:
        return count, refused(refusal, "nodes")
    return count, ""


def _answers_of(ask: Questions, namespaces: Sequence[str], pool: Executor) -> _Answers:
    settings = f"/api/v1/namespaces/{_SYSTEM}/configmaps"
    groups = pool.submit(ask.get, "/apis", "the API groups")
    sets = pool.submit(_everywhere, ask, "daemonsets", [_SYSTEM], metadata_only=False)
    deployments = pool.submit(_everywhere, ask, _DEPLOYMENTS, [_SYSTEM, *namespaces], metadata_only=True)
    releases = pool.submit(
        ask.items, "/api/v1/secrets", "Helm's records", query={"labelSelector": _LIVE_RELEASES}, metadata_only=True
    )
    maps = {
        name: pool.submit(ask.get, f"{settings}/{name}", f"the ConfigMap {name}")
        for name in ("cluster-autoscaler-status", "cilium-config", "amazon-vpc-cni")
    }
    found = deployments.result()
    scalers = [one["metadata"] for one in found.value if autoscaler.speaks_of_autoscaling(one["metadata"])]
    whole = pool.map(lambda metadata: _whole(ask, metadata), scalers)
    return _Answers(
        groups=groups.result(),
        daemon_sets=sets.result(),
        deployments=found,
        releases=releases.result(),
        status=maps["cluster-autoscaler-status"].result(),
        cilium=maps["cilium-config"].result(),
        vpc_cni=maps["amazon-vpc-cni"].result(),
        autoscalers=tuple(whole),
    )


def _everywhere(ask: Questions, plural: str, fallback: Sequence[str], *, metadata_only: bool) -> Seen[list[Any]]:
    """List a kind of `apps/v1` in all namespaces; where that is forbidden, in those that matter most."""
    found = ask.items(f"/apis/apps/v1/{plural}", f"{plural} of all namespaces", metadata_only=metadata_only)
    if not found.forbidden:
        return found
    narrow: list[Any] = []
    for namespace in dict.fromkeys(fallback):
        path = f"/apis/apps/v1/namespaces/{quote(namespace)}/{plural}"
        narrow += ask.items(path, f"{plural} of {namespace}", metadata_only=metadata_only).value
    return Seen(narrow, found.failure, forbidden=True)


def _whole(ask: Questions, metadata: dict[str, Any]) -> dict[str, Any]:
    """Read a Deployment of which only the metadata are known; those alone where that is refused."""
    path = f"/apis/apps/v1/namespaces/{quote(metadata['namespace'])}/{_DEPLOYMENTS}/{quote(metadata['name'])}"
    return ask.get(path, f"the Deployment {metadata['name']}").value or {"metadata": metadata}


def _places(ask: Questions, names: Sequence[str], pool: Executor) -> list[NamespaceSeen]:
    return namespaces(ask, names, pool)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gathered:
    """Everything that the judgements rest on."""

    context: str
    server: str
    version: str
    names: KubeconfigNames
    count: NodeCount
    nodes_unseen: str
    answers: _Answers
    places: Sequence[NamespaceSeen]
    clouds: Mapping[str, CloudMarks]


def _look_of(seen: _Gathered, *, allowed: tuple[Any, ...], seconds: float, requests: int) -> Look:
    answers = seen.answers
    groups = frozenset(str(group["name"]) for group in (answers.groups.value or {}).get("groups") or [])
    owner = whose(seen.version, seen.count, seen.server, groups, seen.clouds)
    cloud = seen.clouds.get(owner.provider)  # none: any cluster
    sets = {str(one["metadata"]["name"]): one for one in answers.daemon_sets.value}
    net = network.network(
        network.NetworkEvidence(
            flavour=owner.flavour,
            daemon_sets=sets,
            unseen=answers.daemon_sets.failure,
            cilium=_data(answers.cilium),
            vpc_cni=_data(answers.vpc_cni),
            k3s_arguments=tuple(seen.count.k3s_arguments),
        ),
        cloud.network if cloud else lambda _: None,
    )
    scaled = autoscaler.scaling(
        autoscaler.ScalingEvidence(
            cloud=owner.provider if cloud and cloud.scales_by_itself else "",
            groups=groups,
            status=None if answers.status.failure else answers.status.value is not None,
            deployments=answers.autoscalers,
            unseen=answers.deployments.failure,
        )
    )
    return Look(
        context=seen.context,
        server=seen.server,
        version=seen.version,
        provider=owner.provider,
        provider_because=owner.because,
        flavour=owner.flavour,
        identity=cloud.identity(seen.count, seen.names) if cloud else {"name": plain_name(seen.names)},
        pools=seen.count.pools(),
        nodes=seen.count.nodes,
        autoscaler=scaled.answer,
        autoscaler_name=scaled.name,
        autoscaler_version=scaled.version,
        cni=net.cni,
        network_policies=net.policies,
        pod_security=pod_security(seen.version, owner.provider),
        runners=_runners(seen),
        runners_known=_runners_known(answers),
        namespaces=tuple(place.look for place in seen.places),
        rights=allowed,
        unseen=_unseen(seen),
        seconds=seconds,
        requests=requests,
    )


def _data(seen: Seen[dict[str, Any] | None]) -> dict[str, str] | None:
    return None if seen.value is None else seen.value.get("data") or {}


def _runners(seen: _Gathered) -> tuple[Any, ...]:
    ours = frozenset(place.look.name for place in seen.places if place.ours)
    deployments = (one["metadata"] for one in seen.answers.deployments.value)
    return runners.releases(deployments, (one["metadata"] for one in seen.answers.releases.value), ours)


def _runners_known(answers: _Answers) -> Answer:
    if answers.deployments.failure:
        return Answer(verdict=Verdict.UNKNOWN, because=answers.deployments.failure)
    told = "the Deployments of all namespaces"
    if answers.releases.failure:
        return Answer(
            verdict=Verdict.YES, because=f"{told}; a release without one would be missed: {answers.releases.failure}"
        )
    return Answer(verdict=Verdict.YES, because=f"{told}, and Helm's records")


def _unseen(seen: _Gathered) -> tuple[str, ...]:
    """Say what could not be seen and what that leaves open, a sentence each."""
    answers = seen.answers
    missed = (
        (seen.nodes_unseen, "pools, zones and architectures are unknown or incomplete"),
        (answers.groups.failure, "Karpenter, Auto Mode and OpenShift would not be noticed"),
        (answers.daemon_sets.failure, "the network plugin is read from kube-system only"),
        (answers.deployments.failure, "runners and autoscalers of other namespaces would not be noticed"),
        (answers.releases.failure, "a runner's release whose install failed would not be noticed"),
        (answers.status.failure, "Cluster Autoscaler's status is unknown"),
        *((place.unseen, f"what limits pods in {place.look.name} is unknown") for place in seen.places),
    )
    return tuple(f"{what}: {consequence}." for what, consequence in missed if what)
