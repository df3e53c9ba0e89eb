"""What a Pulumi program declares. The provider behind it is this folder (`plugins:` in Pulumi.yaml)."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

import pulumi

from components.helper_image.schema import OUTPUTS, TYPE


class RegistryLogin(TypedDict):
    """User name and password for one registry."""

    username: pulumi.Input[str]
    password: pulumi.Input[str]


class MultiArchImageArgs(TypedDict):
    """What to merge, and where to publish it. `components.helper_image.schema` says each in full."""

    target: pulumi.Input[str]
    """`host/repository:tag`. Another target is another resource."""

    sources: pulumi.Input[Mapping[str, pulumi.Input[str]]]
    """Image by platform: `{"linux/amd64": "host/repository@sha256:..."}`."""

    tags: NotRequired[pulumi.Input[list[pulumi.Input[str]]]]
    """More tags for the same image."""

    credentials: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[RegistryLogin]]]]
    """By registry host; the environment's docker config otherwise. Always sent as a secret."""

    plain_http: NotRequired[pulumi.Input[list[pulumi.Input[str]]]]
    """Registry hosts without TLS."""

    delete_remote: NotRequired[pulumi.Input[bool]]
    """Remove the tags from the registry with the resource. By default the image stays."""


class MultiArchImage(pulumi.CustomResource):
    """An image of several architectures, merged from one image each, whose tag is watched."""

    digest: pulumi.Output[str]
    """What the target's tag points to, as last seen."""

    reference: pulumi.Output[str]
    """The published image by digest: what to deploy."""

    platforms: pulumi.Output[dict[str, str]]
    """Digest by platform, as last seen."""

    def __init__(self, name: str, args: MultiArchImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        credentials = args.get("credentials")
        props = {
            **dict.fromkeys(OUTPUTS),
            "target": args["target"],
            "sources": args["sources"],
            "tags": args.get("tags"),
            "credentials": pulumi.Output.secret(credentials) if credentials is not None else None,
            "plainHttp": args.get("plain_http"),
            "deleteRemote": args.get("delete_remote"),
        }
        own = pulumi.ResourceOptions(additional_secret_outputs=["credentials"])
        super().__init__(TYPE, name, props, pulumi.ResourceOptions.merge(opts, own))

    @property
    def published_digest(self) -> pulumi.Output[str]:
        """What was published. Unlike `digest`: somebody moved the tag."""
        published: pulumi.Output[str] = pulumi.get(self, "publishedDigest")
        return published

    @property
    def tag_digests(self) -> pulumi.Output[dict[str, str]]:
        """Digest by extra tag, as last seen."""
        digests: pulumi.Output[dict[str, str]] = pulumi.get(self, "tagDigests")
        return digests
