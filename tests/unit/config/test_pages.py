"""The pages that are written from templates: current, and all that they say of versions and programs is the code's."""

import re
from pathlib import Path

import pytest

from components.clouds import CLOUDS
from docs.pages import DOCS, PROGRAMS, ROOT, image_hosts, images, pages, program

PAGES = pages()
SUPPORT = DOCS / "support.md"
INDEX = DOCS / "_index.md"
INSTALLATION = DOCS / "installation-configuration.md"


@pytest.mark.parametrize("place", PAGES, ids=lambda place: place.name)
def test_a_page_is_current(place: Path) -> None:
    assert place.read_text(encoding="utf-8") == PAGES[place], "run: python -m docs.pages"


def test_every_registry_that_nodes_pull_from_is_on_the_page() -> None:
    assert all("." in image.partition("/")[0] for image in images()), "an image without its registry"
    assert [host for host in image_hosts() if f"`{host}`" not in PAGES[SUPPORT]] == []


def test_no_pin_is_copied_by_hand() -> None:
    """What the template spells is a record of what was run, or a source's word; a pin comes from the code."""
    lines = SUPPORT.with_suffix(".md.j2").read_text().splitlines()
    pinned = [line.split(" | ")[1] for line in lines if line.startswith("| ")]
    assert len(pinned) > 20
    assert [cell for cell in pinned if re.search(r"\d+\.\d+\.\d+", cell)] == []


@pytest.mark.parametrize("place", [INDEX, INSTALLATION], ids=lambda place: place.name)
def test_a_registry_finds_its_front_matter_and_whole_choosers(place: Path) -> None:
    """As Pulumi's registry reads it: title, meta_desc, layout; each language of a chooser has its tab."""
    text = PAGES[place]
    head, body = text.split("\n---\n", 1)
    assert [line.partition(":")[0] for line in head.splitlines()[1:]] == ["title", "meta_desc", "layout"]
    assert head.splitlines()[-1] == "layout: package"
    choosers = re.findall(r'{{< chooser language "([^"]+)" >}}(.*?){{< /chooser >}}', body, re.DOTALL)
    assert len(choosers) == body.count("{{< chooser") == body.count("{{< /chooser") > 0
    for languages, tabs in choosers:
        found = re.findall(r"{{% choosable language (\w+) %}}.*?{{% /choosable %}}", tabs, re.DOTALL)
        assert found == languages.split(",")


@pytest.mark.parametrize("language", PROGRAMS)
def test_the_programs_of_the_registry_s_page_are_those_of_the_examples(language: str) -> None:
    blocks = re.findall(rf"```{language}\n(.*?)\n```", PAGES[INDEX], re.DOTALL)
    assert blocks == [program("gke", language)]
    assert blocks[0] in (ROOT / "examples" / f"gke-{language}" / PROGRAMS[language]).read_text()


def test_every_cloud_s_example_and_component_is_named_on_the_registry_s_page() -> None:
    text = PAGES[INDEX]
    assert [cloud for cloud in CLOUDS for language in PROGRAMS if f"examples/{cloud}-{language}" not in text] == []
    assert [name for cloud in CLOUDS.values() if (name := cloud.shell().COMPONENT.__name__) not in text] == []
