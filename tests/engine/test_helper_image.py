"""MultiArchImage under the real engine: up, a moved tag, refresh shows it, up repairs it, import, destroy."""

from multiarch.model.pulumi_answers import NO_CHANGES_VIOLATED
from multiarch.rehearse.engine import cli
from tests.engine.image_project import NAME, REPOSITORY, STACK, TYPE, Project, move_tag, project, registry

__all__ = ["project", "registry"]


def test_a_moved_tag_is_seen_by_refresh_and_repaired_by_up(project: Project) -> None:
    assert "create" in project.steps(project.pulumi(*cli.preview(STACK)))
    assert project.digest() is None, "a preview publishes nothing"
    project.done(*cli.up(STACK))
    published = project.digest()
    assert published is not None
    assert project.pulumi(*cli.refresh(STACK)).exit == 0
    moved = move_tag(project)
    drift = project.pulumi(*cli.refresh(STACK))
    assert drift.exit == NO_CHANGES_VIOLATED, drift.stdout + drift.stderr
    plan = project.pulumi("preview", "--refresh", "--json", "--stack", STACK, "--non-interactive")
    assert "digest" in project.steps(plan)["update"][1]
    assert project.digest() == moved, "looking repairs nothing"
    project.done(*cli.up(STACK), "--refresh")
    assert project.digest() == published
    assert project.pulumi(*cli.preview(STACK, expect_no_changes=True)).exit == 0


def test_a_deleted_tag_is_made_again(project: Project) -> None:
    project.done(*cli.up(STACK))
    published = project.digest()
    assert published is not None
    status, _, _ = project.pusher.call("DELETE", f"/v2/{REPOSITORY}/manifests/{published}")
    assert status == 202
    plan = project.pulumi("preview", "--refresh", "--json", "--stack", STACK, "--non-interactive")
    assert "create" in project.steps(plan)
    project.done(*cli.up(STACK), "--refresh")
    assert project.digest() == published


def test_a_registry_that_is_down_fails_the_refresh(project: Project) -> None:
    project.done(*cli.up(STACK))
    project.registry.stop()
    result = project.pulumi(*cli.refresh(STACK))
    assert result.exit not in (0, NO_CHANGES_VIOLATED)
    assert "Traceback" not in result.stdout + result.stderr


def test_destroy_keeps_the_image_and_import_takes_it_over_without_a_change(project: Project) -> None:
    project.done(*cli.up(STACK))
    published = project.digest()
    project.done(*cli.destroy(STACK))
    assert project.digest() == published
    identity = f"http://{project.pusher.host}/{REPOSITORY}:1"
    project.done(
        "import", TYPE, NAME, identity, "--yes", "--protect=false", "--generate-code=false",
        "--stack", STACK, "--non-interactive",
    )  # fmt: skip
    assert project.pulumi(*cli.preview(STACK, expect_no_changes=True)).exit == 0
    project.done(*cli.destroy(STACK))
    assert project.digest() == published
