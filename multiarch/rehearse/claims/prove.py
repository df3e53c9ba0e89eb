"""Puts all promises of a stack to the proof, side by side."""

import time
from concurrent.futures import ThreadPoolExecutor

from multiarch.cluster.api import ApiRefused
from multiarch.cluster.errors import UnreachableError
from multiarch.core.report import Check
from multiarch.model.executor import ConfigInvalid
from multiarch.model.release import InstallFailed
from multiarch.rehearse.claims.buildkit import buildkit_promises
from multiarch.rehearse.claims.jobs import job_promises
from multiarch.rehearse.claims.manager import manager_promises
from multiarch.rehearse.claims.mirror import mirror_promises
from multiarch.rehearse.claims.refusals import refusal_promises
from multiarch.rehearse.claims.rights import rights_promises
from multiarch.rehearse.claims.scene import BY_MODEL, Promise, Scene, unknown
from multiarch.rehearse.claims.settings import settings_promises
from multiarch.rehearse.claims.taints import taint_promises
from multiarch.rehearse.report.model import JobView

_SIDE_BY_SIDE = 8


def promises(scene: Scene) -> list[Promise]:
    """Return what this stack promises, in the order of the report."""
    return [
        *manager_promises(scene),
        *job_promises(scene),
        *mirror_promises(scene),
        *taint_promises(scene),
        *refusal_promises(scene),
        *rights_promises(scene),
        *settings_promises(scene),
        *buildkit_promises(scene),
    ]


def prove_all(scene: Scene) -> tuple[list[Check], list[JobView]]:
    """Put every promise to the proof; claims and jobs come in the promises' order."""
    given = promises(scene)
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        results = list(pool.map(lambda promise: prove_one(promise, scene), given))
    return [check for check, _ in results], [job for _, jobs in results for job in jobs]


def prove_one(promise: Promise, scene: Scene) -> tuple[Check, tuple[JobView, ...]]:
    """Put one promise to the proof."""
    began = time.monotonic()
    try:
        proof = promise.prove(scene)
    except (UnreachableError, ApiRefused, InstallFailed, ConfigInvalid) as error:
        # No answer, or one about something else: neither yes nor no.
        proof = unknown(str(error))
    check = Check(
        id=promise.id,
        title=promise.title,
        verdict=proof.verdict,
        evidence=proof.evidence + (BY_MODEL if promise.modelled else ""),
        seconds=time.monotonic() - began,
    )
    return check, proof.jobs
