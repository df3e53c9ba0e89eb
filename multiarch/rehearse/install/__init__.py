"""Installing a plan on a cluster for the rehearsal: nodes, objects, the Helm release; reading back; cleaning up."""

from multiarch.cluster.api import Api, ApiRefused
from multiarch.model.readback import Installed, read_back, service_account_api
from multiarch.model.release import InstallFailed, PlannedRelease, buildkit_release_of, created_tags, release_of
from multiarch.rehearse.install.chart import Chart, Charts
from multiarch.rehearse.install.fleet import add_nodes, live_nodes, remove_nodes
from multiarch.rehearse.install.helm import Helm, HelmError
from multiarch.rehearse.install.installer import Installer

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
