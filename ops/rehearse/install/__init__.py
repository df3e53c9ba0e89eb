"""Installing a plan on a cluster for the rehearsal: nodes, objects, the Helm release; reading back; cleaning up."""

from ops.kubernetes.api import Api, ApiRefused
from ops.rehearse.install.chart import Chart, Charts
from ops.rehearse.install.fleet import add_nodes, live_nodes, remove_nodes
from ops.rehearse.install.helm import Helm, HelmError
from ops.rehearse.install.installer import Installer
from ops.rehearse.install.objects import InstallFailed, PlannedRelease, buildkit_release_of, created_tags, release_of
from ops.rehearse.install.readback import Installed, read_back, service_account_api

__all__ = [
    "Api",
    "ApiRefused",
    "Chart",
    "Charts",
    "Helm",
    "HelmError",
    "InstallFailed",
    "Installed",
    "Installer",
    "PlannedRelease",
    "add_nodes",
    "buildkit_release_of",
    "created_tags",
    "live_nodes",
    "read_back",
    "release_of",
    "remove_nodes",
    "service_account_api",
]
