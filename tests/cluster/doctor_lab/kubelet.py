"""What kubelets and container runtimes write, as they write it: states of containers, with the sources of the words."""

from typing import Any

NOW = "2026-11-25T12:00:00Z"
IMAGE = "registry.example.com/team/app:1.0"
DIGEST = "sha256:9b2a3c4f1f2a7f0a6d4f7ee8a1b2c3d4e5f60718293a4b5c6d7e8f9012345678"

CONTAINERD_PLATFORM = (
    f'Back-off pulling image "{IMAGE}": ErrImagePull: failed to pull and unpack image "{IMAGE}": '
    f"no match for platform in manifest {DIGEST}: not found"
)
"""containerd core/images/image.go and internal/cri/server/images/image_pull.go; kubelet repeats the last error."""
CRIO_PLATFORM = (
    f'Back-off pulling image "{IMAGE}": ErrImagePull: unable to pull image or OCI artifact: pull image err: '
    f"initializing source docker://{IMAGE}: choosing image instance: no image found in image index for architecture "
    '"arm64", variant "v8", OS "linux"'
)
"""go.podman.io/image internal/manifest/oci_index.go, vendored by CRI-O."""
MOBY_PLATFORM = (
    "rpc error: code = Unknown desc = no matching manifest for linux/arm64/v8 in the manifest list entries: "
    "no match for platform in manifest: not found"
)
"""moby/moby#39201 and later, by cri-dockerd."""
DENIED = (
    f'Back-off pulling image "{IMAGE}": ErrImagePull: failed to pull and unpack image "{IMAGE}": failed to resolve '
    f'reference "{IMAGE}": pull access denied, repository does not exist or may require authorization: server '
    "message: insufficient_scope: authorization failed"
)
"""containerd core/remotes/docker/resolver.go; kubesphere/kubesphere#6543."""
NOT_FOUND = f'failed to pull and unpack image "{IMAGE}": failed to resolve reference "{IMAGE}": {IMAGE}: not found'
RATE_LIMITED = (
    f'failed to pull and unpack image "{IMAGE}": failed to copy: httpReadSeeker: failed open: unexpected status from '
    f"GET request to https://registry-1.docker.io/v2/team/app/manifests/{DIGEST}: 429 Too Many Requests\n"
    "toomanyrequests: You have reached your unauthenticated pull rate limit. "
    "https://www.docker.com/increase-rate-limit"
)
"""jenkinsci/helm-charts#1586."""
UNTRUSTED = (
    f'failed to pull and unpack image "{IMAGE}": failed to resolve reference "{IMAGE}": failed to do request: Head '
    '"https://registry.example.com/v2/team/app/manifests/1.0": tls: failed to verify certificate: x509: certificate '
    "signed by unknown authority"
)
UNREACHED = (
    f'failed to pull and unpack image "{IMAGE}": failed to resolve reference "{IMAGE}": failed to do request: Head '
    '"https://registry.example.com/v2/team/app/manifests/1.0": dial tcp 10.1.2.3:443: i/o timeout'
)
WRONG_FORMAT = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
    'unable to start container process: error during container init: exec: "/bin/sh": exec format error'
)
LOW_ON_DISK = (
    "The node was low on resource: ephemeral-storage. Threshold quantity: 10737418240, available: 9432Mi. Container "
    "build was using 52Gi, request is 10Gi, has larger consumption of ephemeral-storage. "
)
"""kubelet pkg/kubelet/eviction/helpers.go."""


def waiting(container: str, reason: str, message: str, image: str = IMAGE) -> dict[str, Any]:
    """Return a pod's status with one container that waits; the others have not started."""
    state = {"waiting": {"reason": reason, "message": message}}
    return {"phase": "Pending", "containerStatuses": [_status(container, image, state)]}


def init_waiting(reason: str, message: str, image: str) -> dict[str, Any]:
    """Return a pod's status whose init container waits."""
    state = {"waiting": {"reason": reason, "message": message}}
    status = {"phase": "Pending", "initContainerStatuses": [_status("init-permissions", image, state)]}
    return {**status, "containerStatuses": []}


def init_ended(image: str, code: int, message: str = "", reason: str = "Error") -> dict[str, Any]:
    """Return a pod's status whose init container ended with an error."""
    ended = {"exitCode": code, "reason": reason, "message": message, "startedAt": NOW, "finishedAt": NOW}
    states = [_status("init-permissions", image, {"terminated": ended})]
    return {"phase": "Failed", "initContainerStatuses": states, "containerStatuses": []}


def crashing(container: str, image: str, code: int) -> dict[str, Any]:
    """Return a pod's status whose container ends again and again."""
    ended = {"exitCode": code, "reason": "Error", "startedAt": NOW, "finishedAt": NOW}
    state = {
        "waiting": {"reason": "CrashLoopBackOff", "message": f"back-off 5m0s restarting failed container={container}"}
    }
    status = {**_status(container, image, state), "restartCount": 7, "lastState": {"terminated": ended}}
    conditions = [{"type": "Ready", "status": "False"}, {"type": "ContainersReady", "status": "False"}]
    return {"phase": "Running", "containerStatuses": [status], "conditions": conditions}


def disrupted(reason: str, message: str) -> dict[str, Any]:
    """Return the status of a pod that was taken away."""
    condition = {"type": "DisruptionTarget", "status": "True", "reason": reason, "message": message}
    return {"phase": "Failed", "conditions": [{**condition, "lastTransitionTime": NOW}]}


def _status(container: str, image: str, state: dict[str, Any]) -> dict[str, Any]:
    return {"name": container, "image": image, "imageID": "", "ready": False, "restartCount": 0, "state": state}
