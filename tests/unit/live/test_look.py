"""A registry that is gone is an answer soon, and none that waits for it to come back."""

from multiarch.core.waiting import wait_while
from multiarch.rehearse.live import look
from multiarch.rehearse.live.supply import SHORT
from multiarch.rehearse.mirror.registry import LocalRegistry


def test_a_registry_answers_until_it_is_gone() -> None:
    with LocalRegistry() as registry:
        assert look.answers(registry)
    assert not wait_while(lambda: look.answers(registry), 5)
    assert SHORT.attempts == 1, "nobody tries again and again whether it came back"
