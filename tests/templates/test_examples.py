"""What the documents print: every pipeline in them is one that works, exactly as printed."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.templates.lab.project import ROOT
from tests.templates.lab.published import read

if TYPE_CHECKING:
    from pathlib import Path

    from tests.templates.lab.project import Project

DOCUMENTS = [ROOT / "README.md", ROOT / "docs/ci.md", *sorted((ROOT / "templates").glob("*/README.md"))]
_BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def printed() -> list[tuple[str, str]]:
    """Every whole pipeline of the documents: a YAML block that includes something of ours."""
    found = []
    for document in DOCUMENTS:
        blocks = [text for text in _BLOCK.findall(document.read_text()) if text.startswith("include:")]
        found += [(f"{document.relative_to(ROOT)}#{number}", text) for number, text in enumerate(blocks)]
    return found


@pytest.mark.parametrize("document", ["README.md", "docs/ci.md"])
def test_the_ten_lines_publish_an_image_and_deploy_it(
    project: Project, document: str, skopeo: str, tmp_path: Path
) -> None:
    text = dict(printed())[f"{document}#0"]
    assert len([line for line in text.splitlines() if line.strip()]) <= 10
    project.pipeline(text)
    project.write("web/Dockerfile", "FROM scratch\n")
    # The one thing that the lab needs and a GitLab doesn't: its registry speaks plain HTTP.
    project.variables["MULTIARCH_OPTIONS"] = "insecure-registry=true"
    ran = project.run()
    assert ran.code == 0, ran.out
    found = read(skopeo, f"{project.image}/web:latest", tmp_path)
    assert found.platforms == ["linux/amd64", "linux/arm64"]
    assert f"deploying {project.image}/web@{found.digest}" in ran.out


@pytest.mark.parametrize(("where", "text"), printed(), ids=[where for where, _ in printed()])
def test_every_printed_pipeline_is_one_that_gitlab_would_take(project: Project, where: str, text: str) -> None:
    # Jobs that an example needs and doesn't show are the reader's own.
    text += "".join(f"\n{job}: {{stage: build, script: 'true'}}\n" for job in ("ko", "smoke-test") if job in text)
    project.pipeline(text)
    ran = project.run("--list")
    assert ran.code == 0, (where, ran.out)


def test_no_template_is_hidden_from_git() -> None:
    """An ignored folder called build once was the component of that name."""
    paths = [str(path.relative_to(ROOT)) for path in (ROOT / "templates").rglob("*")]
    ran = subprocess.run(["git", "check-ignore", *paths], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.stdout == ""
