"""What Nimbus would refuse."""

from components.clouds.contract import Subject
from components.problems import Problem
from tests.unit.clouds.nimbus.components.sections import NimbusPool


def check_pool(subject: Subject[NimbusPool]) -> list[Problem]:
    """Check what is Nimbus' own about a pool."""
    if subject.pool.altitude > 0:
        return []
    return [subject.problem("altitude", "on the ground", "it would be fog", "Use 3000.")]
