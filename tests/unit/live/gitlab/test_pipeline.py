"""The state of a pipeline, with a clock of the test's."""

from multiarch.rehearse.live.gitlab.pipeline import GRACE_SECONDS, Kept, Pipeline, Registered, State
from tests.unit.live.gitlab.conftest import RUNNER, ci_job


def test_a_failure_reaches_all_that_depend_on_it_however_far() -> None:
    pipeline = Pipeline([ci_job("run", "merge"), ci_job("merge", "build"), ci_job("build"), ci_job("other")], [RUNNER])
    run, merge, build, other = pipeline.entries
    assert pipeline.take(RUNNER) is build
    assert pipeline.take(RUNNER) is other
    pipeline.end(build, State.FAILED, "script_failure")
    assert [one.state for one in pipeline.entries] == [State.SKIPPED, State.SKIPPED, State.FAILED, State.RUNNING]
    assert merge.reason == "not started: build failed"
    assert run.reason == "not started: merge was not started"
    assert not pipeline.finished
    pipeline.end(other, State.SUCCEEDED)
    assert pipeline.finished


def test_a_job_that_the_runner_forgot_fails_and_only_after_the_runner_had_its_time() -> None:
    now = 0.0
    pipeline = Pipeline([ci_job("build")], [RUNNER], clock=lambda: now)
    build = pipeline.take(RUNNER)
    assert build is not None
    now = 300 + GRACE_SECONDS
    pipeline.end_overdue()
    assert not build.state.over
    now += 1
    pipeline.end_overdue()
    assert (build.state, build.reason) == (State.FAILED, "the runner has not ended it within 300 s")
    assert pipeline.append(build, 0, b"late") is Kept.NOT_RUNNING
    assert not pipeline.keep(build, b"late")
    assert pipeline.bearer(build.token) is None


def test_a_runner_is_missed_only_while_a_job_waits_and_none_runs() -> None:
    pipeline = Pipeline([ci_job("a"), ci_job("b", "a")], [RUNNER])
    missed = [pipeline.waits_for(RUNNER)]
    for _ in pipeline.entries:
        taken = pipeline.take(RUNNER)
        assert taken is not None
        missed.append(pipeline.waits_for(RUNNER))
        pipeline.end(taken, State.SUCCEEDED)
        missed.append(pipeline.waits_for(RUNNER))
    assert missed == [True, False, True, False, False]


def test_every_job_has_a_token_of_its_own_that_is_not_shown() -> None:
    entries = Pipeline([ci_job(str(number)) for number in range(9)], [RUNNER]).entries
    assert len({entry.token for entry in entries}) == 9
    assert not any(entry.token in repr(entries) for entry in entries)


SECOND = Registered(id=2, name="builder", tags=("multi-arch-buildkit", "other"), token="glrt-second")


def test_a_runner_gets_only_jobs_all_of_whose_tags_it_has() -> None:
    pipeline = Pipeline([ci_job("build", tags=("other", "multi-arch-buildkit")), ci_job("merge")], [RUNNER, SECOND])
    build, merge = pipeline.entries
    assert pipeline.take(RUNNER) is merge
    assert pipeline.take(RUNNER) is None
    assert pipeline.take(SECOND) is build
    assert (merge.runner, build.runner) == (RUNNER, SECOND)


def test_a_runner_is_missed_for_its_own_jobs_alone() -> None:
    pipeline = Pipeline([ci_job("build", tags=("other",)), ci_job("merge", "build")], [RUNNER, SECOND])
    assert (pipeline.waits_for(RUNNER), pipeline.waits_for(SECOND)) == (False, True)
    build = pipeline.take(SECOND)
    assert build is not None
    pipeline.end(build, State.SUCCEEDED)
    assert (pipeline.waits_for(RUNNER), pipeline.waits_for(SECOND)) == (True, False)


def test_a_pipeline_without_a_runner_for_any_job_is_over_at_once() -> None:
    assert Pipeline([ci_job("a"), ci_job("b", "a")], [SECOND]).finished
