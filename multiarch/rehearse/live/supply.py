"""TEMP until the helper's."""

from collections.abc import Mapping
from typing import Any

from multiarch.rehearse.images import have_images, push_for_nodes
from multiarch.rehearse.mirror.registry import LocalRegistry


def supply_made(wanted: Mapping[str, str], registry: LocalRegistry, progress: Any) -> dict[str, str]:
    images = have_images(progress)
    from multiarch.rehearse.images.recipes import taking_from

    out = {}
    with registry.session() as session:
        store = session.registry(registry.host)
        for reference, kind in wanted.items():
            made = images[kind]  # type: ignore[index]
            if kind == "buildkit":
                made = {arch: taking_from(image, registry.host) for arch, image in made.items()}
            push_for_nodes(made, store, reference)
            out[reference] = "made here: " + next(iter(made.values())).differs
    return out
