"""A canary: a pod that the stack's NetworkPolicies keep jobs from, in a namespace of its own, taken away at the end."""

import secrets
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from multiarch.cluster.api import Api, ApiRefused
from multiarch.cluster.errors import ClusterError
from multiarch.core.verdict import Answer, Verdict, no, unknown, yes
from multiarch.core.waiting import wait_while
from multiarch.rehearse.live.egress import Destination, forbidden, tcp_ports
from multiarch.rehearse.live.reach import CANARY, OPEN, REACHED, Target, parsed, script

PORT: Final = 18099
"""Where it listens, and where no stack is likely to let its jobs go."""
_MOST_PORTS: Final = 20
_SECONDS: Final = 90.0
_LISTENING_SECONDS: Final = 20.0
"""From when its pod runs until it listens."""
_EVERY: Final = 0.3
_SERVE: Final = """serve() { httpd -f -p "$1" -h /tmp || while :; do nc -l -p "$1" -e true; done; }
"""


class Canary:
    """The canary, from the begin of a `with` block to its end.

    ```python
    with Canary(api, "busybox", job_namespace="jobs", listens_on="real-amd64", asks_from="real-arm64") as canary:
        targets = [*usual_targets(...), *canary.targets]
        said = parsed(...)  # of the log of a job that ran script(targets)
        reach = reach_of(targets, said, enforced(canary.forbids, canary.control(), said))
    ```

    What goes wrong with it is an answer (`forbids`, `control`, `gone`), since without it the rest can still be told.
    """

    def __init__(  # noqa: PLR0913 - each is something that only the caller knows
        self,
        api: Api,
        image: str,
        *,
        job_namespace: str,
        listens_on: str,
        asks_from: str,
        job_labels: Mapping[str, str] | None = None,
    ) -> None:
        """Take an image with busybox, and names of nodes: where it listens, and the job's own, for the control."""
        self._api, self._image = api, image
        self._listens_on, self._asks_from = listens_on, asks_from
        self._job_namespace, self._job_labels = job_namespace, job_labels or {}
        self.namespace = f"multiarch-canary-{secrets.token_hex(3)}"
        self._first = unknown("it was not started")
        self._controls = 0
        self.targets: list[Target] = []
        """What a job has to try."""
        self.forbids = unknown("the canary was not started")
        """Whether the stack's policies keep jobs from it."""
        self.gone = unknown("it was not taken away")
        """After the end: whether its namespace and pods are gone."""

    def __enter__(self) -> Self:
        """Make it, and wait until a pod without policies reaches it."""
        try:
            self._start()
        except (ApiRefused, ClusterError) as error:
            self._first = unknown(f"the canary could not be made: {error}")
        except BaseException:  # a KeyboardInterrupt too
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take it away, whatever happened."""
        self._remove()

    def control(self) -> Answer:
        """Tell whether a pod under no policy reaches it: before the job did, and now, since it may have ended."""
        if self._first.verdict is not Verdict.YES:
            return self._first
        try:
            return self._ask()
        except (ApiRefused, ClusterError) as error:
            return unknown(f"the pod that should reach it could not be made: {error}")

    def _start(self) -> None:
        api, jobs = self._api, self._job_namespace
        space = api.create("/api/v1/namespaces", {"metadata": {"name": self.namespace}})
        policies = api.items(f"/apis/networking.k8s.io/v1/namespaces/{jobs}/networkpolicies")
        ports = [PORT, *(port for port in tcp_ports(policies) if port != PORT)][:_MOST_PORTS]
        serve = _SERVE + "".join(f"serve {port} &\n" for port in ports) + "wait\n"
        self._create("canary", self._listens_on, serve)
        pod = self._await("canary", "Running")
        address = str((pod.get("status") or {}).get("podIP") or "")
        if pod["status"].get("phase") != "Running" or not address:
            self._first = unknown(f"the canary does not run: {_trouble(pod)}")
            return
        labels = (space["metadata"].get("labels") or {}, pod["metadata"].get("labels") or {})
        places = [
            Destination(address=address, port=port, namespace_labels=labels[0], pod_labels=labels[1]) for port in ports
        ]
        self.forbids = forbidden(policies, self._job_labels, places[0])
        self.targets = list(self._targets(policies, places))
        deadline = time.monotonic() + _LISTENING_SECONDS
        while self._first.verdict is not Verdict.YES and time.monotonic() < deadline:  # it may not listen at once
            self._first = self._ask()

    def _targets(self, policies: Sequence[Mapping[str, Any]], places: Sequence[Destination]) -> Sequence[Target]:
        open_ones = [one for one in places[1:] if forbidden(policies, self._job_labels, one).verdict is Verdict.NO]
        closed = places[0]
        return [
            Target(key=CANARY, what="a pod of another namespace", host=closed.address, port=closed.port),
            *(
                Target(
                    key=OPEN, what="the same pod, at a port that the policies allow", host=one.address, port=one.port
                )
                for one in open_ones[:1]
            ),
        ]

    def _ask(self) -> Answer:
        self._controls += 1
        name = f"control-{self._controls}"
        self._create(name, self._asks_from, f"{{ {script(self.targets)} }} >/dev/termination-log\n")
        pod = self._await(name, "Succeeded", "Failed")
        said = parsed(_message(pod))
        if CANARY not in said:
            return unknown(f"the pod that should reach it said nothing: {_trouble(pod)}")
        what = ", ".join(f"{one.address}: {said.get(one.key)}" for one in self.targets) + f" from {self._asks_from}"
        return yes(what) if {said.get(one.key) for one in self.targets} == {REACHED} else no(what)

    def _create(self, name: str, node: str, text: str) -> None:
        """Create a pod; a new namespace has its service account only after a moment."""
        body = _pod(name, self._image, node, text)
        path = f"/api/v1/namespaces/{self.namespace}/pods"

        def refused() -> ApiRefused | None:
            try:
                self._api.create(path, body)
            except ApiRefused as error:
                if "serviceaccount" not in error.message:
                    raise
                return error
            return None

        if error := wait_while(refused, _SECONDS, every=_EVERY):
            raise error

    def _await(self, name: str, *phases: str) -> dict[str, Any]:
        """Wait for a phase, and return the pod as it is then; also one that will never come so far."""
        seen: list[dict[str, Any]] = []

        def still() -> bool:
            seen.append(self._api.get(f"/api/v1/namespaces/{self.namespace}/pods/{name}"))
            return seen[-1]["status"].get("phase") not in {*phases, "Failed"}

        wait_while(still, _SECONDS, every=_EVERY)
        return seen[-1]

    def _remove(self) -> None:
        path = f"/api/v1/namespaces/{self.namespace}"
        try:
            self._api.delete(path)
            left = wait_while(lambda: self._api.find(path) is not None, _SECONDS, every=_EVERY)
        except (ApiRefused, ClusterError) as error:
            self.gone = unknown(f"namespace {self.namespace} could not be deleted: {error}")
        else:
            told = f"namespace {self.namespace}"
            self.gone = no(f"{told} is still there {_SECONDS:.0f} s after it was deleted") if left else yes(told)


def _pod(name: str, image: str, node: str, text: str) -> dict[str, Any]:
    """Return a pod with no rights at all, right on a node: taints and the scheduler have no part in what is asked."""
    container = {
        "name": "says",
        "image": image,
        "command": ["sh", "-c", text],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    spec = {
        "nodeName": node,
        "tolerations": [{"operator": "Exists"}],
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65534,
            "runAsGroup": 65534,
            # So that it can listen at a low port, as the policies may allow one.
            "sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}],
        },
        "containers": [container],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": spec}


def _message(pod: Mapping[str, Any]) -> str:
    states = [one.get("state") or {} for one in pod["status"].get("containerStatuses") or []]
    return "\n".join(str((state.get("terminated") or {}).get("message") or "") for state in states)


def _trouble(pod: Mapping[str, Any]) -> str:
    """Say what a pod is waiting for, or why it failed, in Kubernetes' own words."""
    status = pod.get("status") or {}
    states = [one.get("state") or {} for one in status.get("containerStatuses") or []]
    parts = [part for state in states for part in state.values()]
    words = [": ".join(filter(None, [part.get("reason"), part.get("message")])) for part in (*parts, status)]
    return "; ".join(filter(None, words)) or str(status.get("phase") or "nothing is known of it")
