"""Everything that people do behind the program's back."""

from tests.cluster.drift_lab.of_objects import OF_OBJECTS_AND_NODES
from tests.cluster.drift_lab.of_release import OF_THE_RELEASE
from tests.cluster.drift_lab.widenings import WIDENINGS

MUTATIONS = (*OF_THE_RELEASE, *OF_OBJECTS_AND_NODES, *WIDENINGS)
