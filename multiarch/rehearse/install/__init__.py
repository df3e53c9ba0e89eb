"""Installing a plan on a cluster for the rehearsal: nodes, objects, the Helm release; cleaning up."""

from multiarch.rehearse.install.chart import Chart, Charts
from multiarch.rehearse.install.fleet import add_nodes, live_nodes, remove_nodes
from multiarch.rehearse.install.helm import Helm, HelmError
from multiarch.rehearse.install.installer import Installer

__all__ = ["Chart", "Charts", "Helm", "HelmError", "Installer", "add_nodes", "live_nodes", "remove_nodes"]
