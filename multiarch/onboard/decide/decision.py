"""Everything that follows from a look and the answers, put together."""

from components.clouds import machine_type
from multiarch.cluster.look.model import Look
from multiarch.core.verdict import Verdict
from multiarch.onboard.answers.model import Answers
from multiarch.onboard.answers.place import location_of
from multiarch.onboard.decide.machines import MachineChoice, arm64_choice
from multiarch.onboard.decide.model import Decision, Remark
from multiarch.onboard.decide.obstacles import obstacles, obstacles_of
from multiarch.onboard.decide.pools import pool_plans
from multiarch.onboard.decide.prices import compare
from multiarch.onboard.decide.remarks import remarks


def decide(look: Look, answers: Answers) -> Decision:
    """Decide what the stack is: its pools, what stands in its way, what to mind, what arm64 costs."""
    noted = remarks(look, answers)
    in_the_way = (*obstacles(look), *obstacles_of(look, answers))
    if answers.pools == "use" or not answers.arm64_machine:
        return Decision(obstacles=in_the_way, remarks=noted, pools=pool_plans(look, answers))
    cloud = answers.cluster_type
    choice = _choice(look, answers)
    zones = choice.zones if choice is not None and choice.name == answers.arm64_machine else ()
    doubt = choice.doubt if choice is not None else ""
    if machine_type(cloud, answers.arm64_machine) is None:
        doubt = f"{answers.arm64_machine} is not in the tables here: the stack file sets its architecture"
    if doubt:
        noted = (*noted, Remark(text=f"{doubt[0].upper()}{doubt[1:]}.", verdict=Verdict.UNKNOWN))
    return Decision(
        obstacles=in_the_way,
        remarks=noted,
        pools=pool_plans(look, answers, zones),
        price=compare(cloud, answers.arm64_machine, answers.amd64_machine),
        prices_of=(answers.arm64_machine, answers.amd64_machine),
    )


def _choice(look: Look, answers: Answers) -> MachineChoice | None:
    """Return what would be proposed for the amd64 machine that was chosen, with its zones."""
    zones = sorted({zone for pool in look.pools if pool.arch == "amd64" for zone in pool.zones})
    place = location_of(answers.cluster_type, answers.place, look)
    found = arm64_choice(answers.cluster_type, answers.amd64_machine, place, zones)
    return found if isinstance(found, MachineChoice) else None
