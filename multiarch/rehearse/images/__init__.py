"""The images that a job on a real node needs, made on this machine where their registries are not reached.

Each image is a few layers and a config. Layers are made once, of Debian's packages and of programs that are built from
their Go modules, and kept in the user's cache. What an image lacks beside the real one, its `differs` says, and the
label `multiarch-runner.io/differs`: whoever reports about a run that used one passes it on.
"""

from multiarch.rehearse.images.have import have_images
from multiarch.rehearse.images.model import Image, ImagesError
from multiarch.rehearse.images.push import push
from multiarch.rehearse.images.recipes import taking_from

__all__ = ["Image", "ImagesError", "have_images", "push", "taking_from"]
