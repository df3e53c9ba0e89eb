from docs.record_onboarding import recorded, recording
from multiarch.cluster.connection import Connection
from multiarch.rehearse.control_plane.plane import ControlPlane


def test_the_run_that_the_page_shows_is_what_the_command_does(
    control_plane: ControlPlane, connection: Connection
) -> None:
    assert recording(control_plane, connection) == recorded(), "make docs-onboarding"
