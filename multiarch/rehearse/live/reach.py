"""What a job reaches over the network, told by trying: texts for a job to run, what its log says, and what follows.

The job runs `script(targets)` in any image with busybox; `parsed` reads its log, whoever ran it. Whether the stack's
NetworkPolicies are enforced is told by a canary (`canary.py`): a pod that they forbid, and that others reach.
"""

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from multiarch.core.verdict import Answer, Verdict, no, unknown, yes
from multiarch.rehearse.control_plane.programs import OWN_SERVICE
from multiarch.rehearse.report.model import Reach, Try

REACHED: Final = "reached"
REFUSED: Final = "refused"
NO_ANSWER: Final = "no answer"
CANARY: Final = "canary"
"""Key of the target that tells whether policies are enforced."""
OPEN: Final = "canary-open"
"""Key of a port of the same pod that the policies allow, where there is one: it shows that the pod is within reach."""
INTERNET: Final = "deb.debian.org"
_LIMIT: Final = 4
"""Seconds for each try; all run side by side."""
_NAME_LIMIT: Final = 8
"""A resolver is asked twice."""
_LINE: Final = re.compile(r"multiarch-reach \[([a-z0-9-]+)\] (reached|refused|no answer)\b")
# `nc -e` runs a program once it is connected, in both forms of nc that busybox has; the larger one needs `-v`
# to say why not. What a script of a job may be run with (`set -e`) does no harm.
_BEGIN: Final = """nc_says=
nc --help 2>&1 | grep -q -e '-v' && nc_says=-vv
timeout 1 true 2>/dev/null || timeout() { shift; "$@"; }
tell() { echo "multiarch-reach [$1] $2"; }
judge() {
  case "$3" in
    *refused*|*NXDOMAIN*|*SERVFAIL*|*REFUSED*) tell "$1" refused ;;
    *) if [ "$2" = 0 ]; then tell "$1" reached; else tell "$1" 'no answer'; fi ;;
  esac
}
listen() { said=$("$@" 2>&1 </dev/null) && code=0 || code=$?; }
try() { listen nc $nc_says -w LIMIT "$2" "$3" -e true; judge "$1" "$code" "$said"; }
name() { listen timeout NAMES nslookup "$2"; judge "$1" "$code" "$said"; }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Something that a job tries to reach."""

    key: str
    """Its name in the log: small letters, digits, dashes."""
    what: str
    """For people: `the API server`."""
    host: str
    port: int | None
    """None: the host's name is only to be resolved."""

    @property
    def address(self) -> str:
        """Host and port, or the name alone."""
        return self.host if self.port is None else f"{self.host}:{self.port}"


def usual_targets(  # noqa: PLR0913 - one for each thing to be reached
    *,
    server: str,
    gateway: str,
    kubelet: str,
    registry: str = "",
    way_out: str = "",
    internet: str = "",
) -> list[Target]:
    """Return what a job on a real node is asked to try; empty: there is none.

    `server`: the kubeconfig's URL of the API server; `kubelet` and `registry`: host and port; `way_out`: the proxy's
    URL; `internet`: an address of `INTERNET`, as this machine resolves it.
    """
    port = urlsplit(server).port or 443
    found = [
        Target(key="api", what="the API server, by its Service", host=OWN_SERVICE, port=443),
        Target(key="api-host", what="the API server, at this machine's address", host=gateway, port=port),
        _at("kubelet", "its own node's kubelet", kubelet),
        Target(key="metadata", what="a cloud's metadata server", host="169.254.169.254", port=80),
        _at("registry", "the registry", registry) if registry else None,
        Target(key="internet", what=f"{INTERNET}, by its address", host=internet, port=443) if internet else None,
        _at("way-out", "the way out for jobs", urlsplit(way_out).netloc) if way_out else None,
        Target(key="name", what=f"the name {INTERNET}, by DNS", host=INTERNET, port=None),
    ]
    return [one for one in found if one]


def script(targets: Iterable[Target]) -> str:
    """Return what a job runs: a line in its log for each target. It succeeds whatever is reached."""
    begin = _BEGIN.replace("LIMIT", str(_LIMIT)).replace("NAMES", str(_NAME_LIMIT))
    return begin + "".join(f"{_call(one)} &\n" for one in targets) + "wait\n"


def parsed(log: str) -> Mapping[str, str]:
    """Return what a log says of each target, by its key; a runner may put a time before each line."""
    return dict(_LINE.findall(log))


def reach_of(targets: Sequence[Target], said: Mapping[str, str], enforced: Answer) -> Reach:
    """Return what is reported: a target of which the job said nothing was not tried."""
    tries = tuple(Try(what=one.what, address=one.address, answer=said[one.key]) for one in targets if one.key in said)
    return Reach(policies_enforced=enforced.verdict, because=enforced.because, tries=tries)


def enforced(forbids: Answer, control: Answer, said: Mapping[str, str]) -> Answer:
    """Tell whether the cluster enforces NetworkPolicies.

    `forbids`: whether the stack's keep a job from the canary; `control`: whether it was reached by a pod that is under
    none; `said`: what the job said. Where it reached nothing else either, the policies may have no part in that.
    """
    if doubt := _doubt(forbids, control, said):
        return unknown(doubt)
    if said[CANARY] == REACHED:
        return no(f"a job reached a pod that the stack's policies forbid: {forbids.because}")
    beside = ", ".join(sorted(key for key, one in said.items() if one != NO_ANSWER and key != CANARY))
    return yes(
        f"a job did not reach a pod that the policies forbid ({said[CANARY]}), and a pod under no policy did; "
        f"the job got an answer from {beside or 'it'}"
    )


def _doubt(forbids: Answer, control: Answer, said: Mapping[str, str]) -> str:
    """Say why nobody can tell; empty: it can be told."""
    if forbids.verdict is not Verdict.YES:
        return f"the stack's policies do not forbid what was tried: {forbids.because}"
    if control.verdict is not Verdict.YES:
        return f"the canary was not reached without policies either: {control.because}"
    if CANARY not in said:
        return "the job's log does not say whether it reached the canary"
    if said[CANARY] != REACHED and said.get(OPEN, REACHED) != REACHED:
        return "a job did not reach the canary, but neither did it at a port that the policies allow"
    nothing = set(said.values()) <= {NO_ANSWER}
    return "a job got no answer from anywhere: nothing tells whether it had a network at all" if nothing else ""


def _at(key: str, what: str, netloc: str) -> Target:
    parts = urlsplit(f"//{netloc}")
    return Target(key=key, what=what, host=parts.hostname or "", port=parts.port or 443)


def _call(target: Target) -> str:
    words = (
        ["name", target.key, target.host] if target.port is None else ["try", target.key, target.host, str(target.port)]
    )
    return shlex.join(words)
