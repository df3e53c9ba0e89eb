"""Puts all promises of a stack to the proof, side by side."""

import time
from concurrent.futures import ThreadPoolExecutor

from ops.kubernetes.errors import UnreachableError
from ops.rehearse.claims.buildkit import buildkit_promises
from ops.rehearse.claims.jobs import job_promises
from ops.rehearse.claims.manager import manager_promises
from ops.rehearse.claims.mirror import mirror_promises
from ops.rehearse.claims.refusals import refusal_promises
from ops.rehearse.claims.rights import rights_promises
from ops.rehearse.claims.scene import Promise, Proof, Scene, unknown
from ops.rehearse.claims.taints import taint_promises
from ops.rehearse.executor import ConfigInvalid
from ops.rehearse.install import ApiRefused, InstallFailed
from ops.rehearse.report.model import Claim, JobView

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
        *buildkit_promises(scene),
    ]


def prove_all(scene: Scene) -> tuple[list[Claim], list[JobView]]:
    """Put every promise to the proof; claims and jobs come in the promises' order."""
    given = promises(scene)
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        results = list(pool.map(lambda promise: _timed(promise, scene), given))
    claims = [
        Claim(id=promise.id, title=promise.title, verdict=proof.verdict, evidence=proof.evidence, seconds=seconds)
        for promise, (proof, seconds) in zip(given, results, strict=True)
    ]
    return claims, [job for proof, _ in results for job in proof.jobs]


def _timed(promise: Promise, scene: Scene) -> tuple[Proof, float]:
    began = time.monotonic()
    try:
        proof = promise.prove(scene)
    except (UnreachableError, ApiRefused, InstallFailed, ConfigInvalid) as error:
        # No answer, or one about something else: neither yes nor no.
        proof = unknown(str(error))
    return proof, time.monotonic() - began
