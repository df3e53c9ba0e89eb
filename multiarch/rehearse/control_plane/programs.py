"""Command lines of the control plane's programs: pure functions of where their files are."""

from dataclasses import dataclass
from pathlib import Path

from multiarch.core.environment import Child, environment
from multiarch.rehearse.control_plane.processes import Program

ADDRESS = "127.0.0.1"
SERVICES = "10.96.0.0/16"
"""Addresses of Services."""
OWN_SERVICE = "10.96.0.1"
"""That of the API server's own, which is the first one."""
"""The only address anything listens on."""

REAL_NODE = "multiarch-runner.io/real-node"
"""Label, `true` on a node that has a kubelet (rehearse/nodes/): kwok leaves it and its pods alone if told to."""

CONTROLLERS = (
    "clusterrole-aggregation-controller",
    "cronjob-controller",
    "daemonset-controller",
    "deployment-controller",
    "disruption-controller",
    "endpoints-controller",
    "endpointslice-controller",
    "garbage-collector-controller",
    "horizontal-pod-autoscaler-controller",
    "job-controller",
    "namespace-controller",
    "node-lifecycle-controller",  # takes the not-ready taint off, which admission puts on every new node
    "pod-garbage-collector-controller",
    "replicaset-controller",
    "resourcequota-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "statefulset-controller",
    "taint-eviction-controller",
    "ttl-after-finished-controller",
)
"""What a chart may need. Left out: clouds, volumes, certificate signing, node addresses; nothing here has any."""

_MEMORY_LIMITS = {
    # Soft limits of Go's collector, in MiB: it works harder near them, but never fails. With them the whole plane
    # was seen at 470 to 490 MiB resident on amd64 (Kubernetes 1.36.3), nearly all of it private.
    "etcd": 64,
    "kube-apiserver": 288,
    "kube-controller-manager": 80,
    "kube-scheduler": 64,
    "kwok": 56,
}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the files of one control plane are: everything is below one folder, mode 0700."""

    root: Path

    @property
    def pki(self) -> Path:
        """Certificates and keys."""
        return self.root / "pki"

    @property
    def etcd_socket(self) -> str:
        """Where etcd listens: a socket in a folder that no other user may enter, so it needs no port and no keys."""
        return f"unix://{self.root}/etcd.sock:0"

    def kubeconfig(self, client: str) -> Path:
        """Kubeconfig of a client: `admin`, `kube-scheduler`."""
        return self.root / f"{client}.kubeconfig"

    @property
    def scheduler_config(self) -> Path:
        """The scheduler's configuration file."""
        return self.root / "scheduler.yaml"

    @property
    def stages(self) -> Path:
        """What kwok makes of nodes and pods."""
        return Path(__file__).resolve().parent / "stages.yaml"


def _program(name: str, binary: Path, root: Path, *flags: str) -> Program:
    own = environment(
        Child.CONTROL_PLANE,
        {"HOME": str(root), "PATH": "/usr/bin:/bin", "GOMEMLIMIT": f"{_MEMORY_LIMITS[name]}MiB", "GOGC": "50"},
    )
    return Program(name=name, argv=(str(binary), *flags), env=own)


def etcd(binary: Path, layout: Layout) -> Program:
    """One member, on sockets only; without fsync, since its data is thrown away."""
    # Advertised addresses must look like host:port; etcd makes of such a one the socket `peer:0` in its own folder.
    peer = "unix://peer:0"
    return _program(
        "etcd",
        binary,
        layout.root,
        "--name=rehearsal",
        f"--data-dir={layout.root / 'etcd'}",
        f"--listen-client-urls={layout.etcd_socket}",
        "--advertise-client-urls=unix://client:0",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=rehearsal={peer}",
        "--unsafe-no-fsync",
        "--snapshot-count=10000",
        "--quota-backend-bytes=268435456",
        "--log-level=warn",
    )


def api_server(binary: Path, layout: Layout, port: int) -> Program:
    """RBAC, node authorizer and the default admission plugins (Pod Security among them), plus NodeRestriction."""
    pki = layout.pki
    return _program(
        "kube-apiserver",
        binary,
        layout.root,
        f"--bind-address={ADDRESS}",
        f"--advertise-address={ADDRESS}",
        f"--secure-port={port}",
        # Loopback is no valid endpoint of the `kubernetes` service, and no pod runs that would call it.
        "--endpoint-reconciler-type=none",
        f"--etcd-servers={layout.etcd_socket}",
        f"--cert-dir={layout.root / 'certs'}",
        f"--client-ca-file={pki / 'ca.crt'}",
        f"--tls-cert-file={pki / 'server.crt'}",
        f"--tls-private-key-file={pki / 'server.key'}",
        # To kubelets, where there are real ones. Their names resolve nowhere, so their addresses are used.
        f"--kubelet-client-certificate={pki / 'admin.crt'}",
        f"--kubelet-client-key={pki / 'admin.key'}",
        "--kubelet-preferred-address-types=InternalIP,Hostname",
        "--anonymous-auth=false",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki / 'sa.pub'}",
        f"--service-account-signing-key-file={pki / 'sa.key'}",
        f"--service-cluster-ip-range={SERVICES}",
        "--allow-privileged=true",  # as managed clusters do; Pod Security is what must refuse
        "--profiling=false",
    )


def controller_manager(binary: Path, layout: Layout) -> Program:
    """Run the controllers a chart may need, each as its own service account; it listens nowhere."""
    return _program(
        "kube-controller-manager",
        binary,
        layout.root,
        f"--kubeconfig={layout.kubeconfig('kube-controller-manager')}",
        "--secure-port=0",
        "--leader-elect=false",
        "--use-service-account-credentials=true",
        f"--root-ca-file={layout.pki / 'ca.crt'}",
        f"--service-account-private-key-file={layout.pki / 'sa.key'}",
        f"--controllers={','.join(CONTROLLERS)}",
        "--profiling=false",
    )


def scheduler(binary: Path, layout: Layout) -> Program:
    """Run the default scheduler; it listens nowhere."""
    return _program(
        "kube-scheduler",
        binary,
        layout.root,
        f"--config={layout.scheduler_config}",
        "--secure-port=0",
    )


def scheduler_config(layout: Layout) -> dict[str, object]:
    """Return the scheduler's configuration: defaults but for what one lone scheduler does not need."""
    return {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "clientConnection": {"kubeconfig": str(layout.kubeconfig("kube-scheduler"))},
        "leaderElection": {"leaderElect": False},
        "enableProfiling": False,
    }


def kwok(binary: Path, layout: Layout, *, beside_real_nodes: bool = False) -> Program:
    """Plays the kubelet of every node; beside real ones only of those that are labelled, and not as real.

    A selector of kwok's never matches a node without any label, so it is used only where it is needed.
    """
    managed = (
        f"--manage-nodes-with-label-selector={REAL_NODE}!=true" if beside_real_nodes else "--manage-all-nodes=true"
    )
    return _program(
        "kwok",
        binary,
        layout.root,
        f"--kubeconfig={layout.kubeconfig('kwok')}",
        f"--config={layout.stages}",
        managed,
        "--cidr=10.244.0.0/16",
        "--node-ip=10.128.0.1",
        "--node-lease-duration-seconds=40",
    )
