"""Claims about Kubernetes rights: all that the executor needs, nothing more, and none for jobs."""

from collections.abc import Iterable, Mapping, Sequence

from multiarch.cluster.access_review import Action, may, rules
from multiarch.cluster.api import Api, ApiRefused
from multiarch.cluster.impersonation import Headers
from multiarch.core.verdict import Verdict
from multiarch.model.executor import Job, JobRefusal
from multiarch.model.executor.rights import needed, warranted
from multiarch.model.readback import service_account_api
from multiarch.rehearse.claims.landing import unmodelled
from multiarch.rehearse.claims.pods import build
from multiarch.rehearse.claims.power import BASIC_USER, Right, Rule, beyond, rights_words
from multiarch.rehearse.claims.scene import Promise, Proof, Scene, failed, proved, unknown

EVERYBODY: Headers = (
    ("Impersonate-User", "multiarch-rehearsal-nobody"),
    ("Impersonate-Group", "system:authenticated"),
)
"""An identity that is bound to nothing by its name: what it may do, everybody may."""

POWERS = (
    Right("", "secrets", "get"),
    Right("", "secrets", "list"),
    Right("", "pods", "create"),
    Right("", "serviceaccounts", "impersonate"),
    Right("", "serviceaccounts/token", "create"),
    Right("apps", "daemonsets", "create"),
    Right("rbac.authorization.k8s.io", "rolebindings", "create"),
    Right("rbac.authorization.k8s.io", "roles", "bind"),
    Right("rbac.authorization.k8s.io", "roles", "escalate"),
)
"""What is asked for by name where an authorizer does not list its rules: each of them leads to all others."""


def rights_promises(scene: Scene) -> list[Promise]:
    """Return the promises about rights."""
    where = ", ".join(dict.fromkeys((scene.installed.namespace, "kube-system", "default")))
    return [
        Promise("runner-has-its-rights", "the runner may do all that its executor needs", _needed),
        Promise(
            "runner-has-no-more",
            f"the runner may do nothing beyond what its executor needs, and nothing in {where}",
            _least,
        ),
        Promise(
            "jobs-have-no-rights",
            "a job's service account may do nothing that not everyone may, and its token is not mounted",
            _job_account,
        ),
    ]


def _needed(scene: Scene) -> Proof:
    namespace = scene.installed.job_namespace
    rights = list(needed(scene.installed.config))
    wanted = [
        Action(verb=verb, resource=resource, group=group, namespace=namespace) for group, resource, verb in rights
    ]
    answers = {action: may(scene.runner, action) for action in wanted}
    who = f"{scene.installed.namespace}/{scene.installed.service_account}"
    if missing := [str(action) for action, answer in answers.items() if answer.verdict is Verdict.NO]:
        return failed(f"{who} may not {', '.join(missing)} in {namespace}")
    if doubts := [answer.because for answer in answers.values() if answer.verdict is Verdict.UNKNOWN]:
        return unknown(f"whether {who} may do all in {namespace}: {doubts[0]}")
    return proved(f"{who} may do all {len(rights)} in {namespace}")


def _least(scene: Scene) -> Proof:
    jobs = scene.installed.job_namespace
    meant = [Right(*right) for right in warranted(scene.installed.config)]
    who = f"{scene.installed.namespace}/{scene.installed.service_account}"
    places = (jobs, scene.installed.namespace, "kube-system", "default")
    return _bounded(scene, who, scene.runner, {place: meant if place == jobs else [] for place in places})


def _job_account(scene: Scene) -> Proof:
    built = build(scene, Job(name="rights"))
    if isinstance(built, JobRefusal):
        return unknown(f"even a plain job is refused: {built.reason}")
    if scene.installed.config.unmodelled:
        return unknown(unmodelled(scene))
    spec, namespace = built.manifest["spec"], built.namespace
    name = spec.get("serviceAccountName") or "default"
    account = service_account_api(scene.admin, namespace, name)
    try:
        places = (namespace, scene.installed.namespace, "kube-system")
        proof = _bounded(scene, f"{namespace}/{name}", account, {place: [] for place in places})
    finally:
        account.close()
    if proof.verdict is not Verdict.NO and spec.get("automountServiceAccountToken") is not False:
        return failed(f"the token of {namespace}/{name} is mounted into every job's pod ({proof.evidence})")
    if proof.verdict is not Verdict.YES:
        return proof
    return proved(f"{proof.evidence}; its token is not mounted")


def _bounded(scene: Scene, who: str, account: Api, meant: Mapping[str, Sequence[Right]]) -> Proof:
    """Judge an identity by all that the API server lists for it in each namespace, and what is meant there."""
    everybodys, doubts = _everybodys(scene.admin, meant), []
    excess: dict[str, list[Right]] = {}
    for place, rights in meant.items():
        listed = rules(account, place)
        excess[place] = beyond(listed.resources, rights, everybodys[place])
        doubts += [f"{place}: {listed.incomplete}"] if listed.incomplete else []
    everywhere = sorted(set.intersection(*map(set, excess.values()))) if len(excess) > 1 else []
    over = [f"{rights_words(everywhere)} in every namespace asked"] if everywhere else []
    over += [
        f"{rights_words(own)} in {place}"
        for place, rights in excess.items()
        if (own := [right for right in rights if right not in everywhere])
    ]
    if doubts:
        over += [f"{action} in {action.namespace}" for action in _powers(account, excess, meant)]
    if over:
        return failed(f"{who} may also {'; '.join(over)}")
    if doubts:
        return unknown(f"could not tell whether {who} may do more: the list is incomplete ({'; '.join(doubts)})")
    return proved(f"nothing more is listed for {who} in {', '.join(meant)}")


def _powers(account: Api, excess: Mapping[str, Sequence[Right]], meant: Mapping[str, Sequence[Right]]) -> list[Action]:
    """Ask one by one, where a list is not whole, for what would do the most harm; return what is allowed and new."""
    asked = [
        (place, right)
        for place in meant
        for right in POWERS
        if right not in meant[place] and right not in excess[place]
    ]
    actions = [
        Action(verb=right.verb, resource=right.resource, group=right.group, namespace=place) for place, right in asked
    ]
    return [action for action in actions if may(account, action).verdict is Verdict.YES]


def _everybodys(admin: Api, namespaces: Iterable[str]) -> dict[str, Sequence[Rule]]:
    """List what every authenticated identity may do; where nobody may be impersonated, what Kubernetes gives to all."""
    everybody = admin.acting_as(EVERYBODY)
    try:
        return {place: [*BASIC_USER, *rules(everybody, place).resources] for place in namespaces}
    except ApiRefused as refusal:
        if not refusal.definite:
            raise
        return dict.fromkeys(namespaces, BASIC_USER)
    finally:
        everybody.close()
