"""How a job is judged by the node that it went to."""

from collections.abc import Collection

from multiarch.rehearse.claims.pods import JobRun
from multiarch.rehearse.claims.scene import Proof, Scene, failed, proved, unknown
from multiarch.rehearse.report.model import Outcome


def landed(scene: Scene, run: JobRun, wanted: Collection[str]) -> Proof:
    """Judge a job by its node's architecture, which must be among those wanted."""
    view = run.view
    if scene.installed.config.unmodelled:
        return unknown(unmodelled(scene), view)
    if view.outcome is Outcome.REFUSED:
        return failed(f"refused by {view.refused_by}: {view.reason}", view)
    if view.node is None:
        if view.reason:
            return failed(f"pod {view.pod} stays pending: {view.reason}", view)
        return unknown(f"pod {view.pod}: no answer from the scheduler", view)
    evidence = f"pod {view.pod} on {scene.describe(view.node)}"
    return (proved if scene.arch(view.node) in wanted else failed)(evidence, view)


def unmodelled(scene: Scene) -> str:
    """Say which settings keep the model's pods from being the runner's."""
    return (
        f"the config has settings that the executor model does not know: {', '.join(scene.installed.config.unmodelled)}"
    )
