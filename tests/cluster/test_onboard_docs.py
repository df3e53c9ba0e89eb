from docs.record_onboarding import recorded, recording
from multiarch.cluster.connection import Connection


def test_the_run_that_the_page_shows_is_what_the_command_does(connection: Connection) -> None:
    assert recording(connection) == recorded(), "make pictures ARGS='--record onboard'"
