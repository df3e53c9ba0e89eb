from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.templates.lab.project import Project

PIPELINE = """
include:
  - local: templates/multi-arch-image/template.yml
    inputs:
      insecure-registry: true
"""


def test_a_dockerfile_becomes_one_image_for_both_architectures(project: Project) -> None:
    project.pipeline(PIPELINE)
    ran = project.run()
    print(ran.out)
    assert ran.code == 0, ran.out
    print(project.tags())
    print(project.records("kaniko"))
    assert 0
