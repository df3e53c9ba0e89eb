"""Write the pages that have a template beside them (*.md.j2): `python -m docs.pages`. A test fails when one is stale.

Pins are the code's own, and programs the examples'. What was run is recorded in support.md.j2, by hand and in its own
version: a newer pin is not a newer proof.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

from jinja2 import Environment, StrictUndefined

from ci import versions as ci
from components import versions as runner
from multiarch.model.pulumi_cli import MINIMUM
from multiarch.onboard.decide.obstacles import OLDEST
from multiarch.rehearse.control_plane.releases import Hosts
from multiarch.rehearse.control_plane.tools import TOOLS, TOOLS_MODULE, pinned_versions
from multiarch.rehearse.engine import have
from tests.templates.lab import gitlab_ci_local

ROOT: Final = Path(__file__).resolve().parent.parent
PROGRAMS: Final = {"python": "__main__.py", "typescript": "index.ts", "yaml": "Pulumi.yaml"}
DOCS: Final = ROOT / "docs"
_IMAGE: Final = re.compile(r"^(?P<host>[^/]+)/(?P<path>.+):(?P<tag>[^:]+)$")


def pages() -> dict[Path, str]:
    """Return each page's place and text."""
    language = Environment(  # noqa: S701 - Markdown, not HTML: nothing is escaped
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        # Not Jinja's own braces: those belong to the registry's templates.
        variable_start_string="<%=",
        variable_end_string="%>",
        block_start_string="<%!",
        block_end_string="!%>",
        comment_start_string="<%#",
        comment_end_string="#%>",
    )
    known = {**_pins(), "program": program}
    return {
        template.with_suffix(""): language.from_string(template.read_text(encoding="utf-8")).render(known)
        for template in sorted(DOCS.glob("*.md.j2"))
    }


def program(cloud: str, language: str) -> str:
    """Return an example's program; of a YAML one, what follows the part that `pulumi package add` writes."""
    folder = ROOT / "examples" / f"{cloud}-{language}"
    text = (folder / PROGRAMS[language]).read_text(encoding="utf-8").rstrip("\n")
    return text[text.index("config:") :] if language == "yaml" else text


def _pins() -> Mapping[str, str]:
    tools = pinned_versions(TOOLS_MODULE, TOOLS)
    chart = runner.CHART_VERSION
    return {
        "kubernetes": tools["kube-apiserver"],
        "helm": tools["helm"],
        "pulumi_cli": pinned_versions(have.TOOLS_MODULE, (have.PULUMI,))["pulumi"],
        "pulumi_image": _tagged(ci.PULUMI_IMAGE),
        "minimum": _dotted(MINIMUM),
        "oldest": _dotted(OLDEST),
        "pod_security": runner.POD_SECURITY_VERSION,
        "chart": chart,
        "charts": ", ".join(f"{one} (runner {version})" for one, version in runner.RUNNER_OF_CHART.items()),
        "runner": runner.RUNNER_OF_CHART[chart],
        "first_helper": _dotted(runner.FIRST_MULTI_ARCH_HELPER[:2]),
        "first_profiles": _dotted(runner.FIRST_CONTAINER_PROFILES[:2]),
        "gitlab_ci_local": gitlab_ci_local.VERSION,
        "kaniko": _tagged(ci.KANIKO_IMAGE),
        "buildkit": _tagged(ci.BUILDKIT_IMAGE),
        "sdks": ", ".join(_sdks()),
        "python": tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"],
        "chart_host": _host(runner.CHART_REPOSITORY),
        "node_hosts": ", ".join(f"`{host}`" for host in image_hosts()),
        "release_hosts": _release_hosts(),
    }


def images() -> list[str]:
    """Return every image that a runner or a template of this version runs."""
    named = [value for name, value in vars(ci).items() if name.endswith("_IMAGE")]
    return [*named, runner.JOB_IMAGE, f"{runner.HELPER_REPOSITORY}:{runner.HELPER_TAG}"]


def image_hosts() -> list[str]:
    """Return the registries of these images."""
    return sorted({image.partition("/")[0] for image in images()})


def _release_hosts() -> str:
    found = {_host(url) for url in asdict(Hosts()).values()}
    return ", ".join(f"`{host}`" for host in sorted(found))


def _host(url: str) -> str:
    return url.removeprefix("https://").partition("/")[0]


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _tagged(image: str) -> str:
    found = _IMAGE.match(image)
    return f"{found['path']} {found['tag']}" if found else image


def _sdks() -> list[str]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line.replace("==", " ") for line in lines if line.startswith("pulumi")]


if __name__ == "__main__":
    for place, text in pages().items():
        place.write_text(text, encoding="utf-8")
