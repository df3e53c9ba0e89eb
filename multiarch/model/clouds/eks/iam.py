"""IAM roles and attachments, and the tag rules that all of AWS shares."""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

from multiarch.model.providers.base import Created, Refusal
from multiarch.model.providers.kinds import Inputs, Kind, entries, items, number, refusal, text
from multiarch.model.providers.values import UNKNOWN, join

ACCOUNT = "123456789012"
"""AWS's own documentation account."""
MAX_TAGS = 50
TAG_KEY_MAX = 128
TAG_VALUE_MAX = 256
NAME_MAX = 64
SESSION = (3600, 43200)
TAG_SOURCE = "docs.aws.amazon.com/tag-editor tag naming limits"
_NAME = re.compile(r"[\w+=,.@-]+")
_POLICY_ARN = re.compile(r"arn:aws[a-z-]*:iam::(aws|\d{12}):policy/[\w+=,.@/-]+")
ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")


def digest(value: str, length: int) -> str:
    """Give a stable identifier."""
    return hashlib.sha256(value.encode()).hexdigest()[:length]


def bad_tags(tags: Any, path: str = "tags") -> Iterator[Refusal]:
    """Refuse tags beyond AWS's limits."""
    given = list(entries(tags))
    if len(given) > MAX_TAGS:
        yield refusal(path, f"Too many tags: {len(given)}, the limit is {MAX_TAGS}", TAG_SOURCE)
    for key, value in given:
        if key.lower().startswith("aws:"):
            yield refusal(
                join(path, key), f"Tag key {key!r}: the prefix 'aws:' is reserved for internal use", TAG_SOURCE
            )
        if not 0 < len(key) <= TAG_KEY_MAX or (isinstance(value, str) and len(value) > TAG_VALUE_MAX):
            message = f"Tag {key!r}: keys have 1 to {TAG_KEY_MAX} characters, values at most {TAG_VALUE_MAX}"
            yield refusal(join(path, key), message, TAG_SOURCE)


def trust_policy(inputs: Inputs) -> Iterator[Refusal]:
    """Want a policy that says who may assume the role."""
    given, source = inputs.get("assumeRolePolicy"), "docs.aws.amazon.com/IAM CreateRole"
    if given is UNKNOWN:
        return
    try:
        document = json.loads(given) if isinstance(given, str) else given
    except ValueError as error:
        message = f"MalformedPolicyDocument: not JSON: {error}"
        yield refusal("assumeRolePolicy", message, source)
        return
    statements = document.get("Statement") if isinstance(document, dict) else None
    if not statements:
        yield refusal("assumeRolePolicy", "MalformedPolicyDocument: Missing required field Statement", source)
        return
    for statement in statements if isinstance(statements, list) else [statements]:
        if isinstance(statement, dict) and not statement.get("Principal"):
            yield refusal("assumeRolePolicy", "MalformedPolicyDocument: Missing required field Principal", source)


def role_names(inputs: Inputs) -> Iterator[Refusal]:
    """Name, session length, tags."""
    source = "docs.aws.amazon.com/IAM CreateRole"
    for key in ("name", "namePrefix"):
        name = text(inputs.get(key))
        limit = NAME_MAX if key == "name" else NAME_MAX - 26
        if name is not None and (len(name) > limit or not _NAME.fullmatch(name)):
            message = (
                f"expected length of {key} to be in the range (1 - {limit}) of letters, digits and +=,.@-_, got {name}"
            )
            yield refusal(key, message, source)
    if inputs.get("name") is not None and inputs.get("namePrefix") is not None:
        yield refusal("namePrefix", '"name": conflicts with name_prefix', "terraform-provider-aws iam_role")
    length = number(inputs.get("maxSessionDuration"))
    if length is not None and not SESSION[0] <= length <= SESSION[1]:
        message = f"expected max_session_duration to be in the range ({SESSION[0]} - {SESSION[1]}), got {length}"
        yield refusal("maxSessionDuration", message, source)
    yield from bad_tags(inputs.get("tags"))


def attachment(inputs: Inputs) -> Iterator[Refusal]:
    """Want a role by name and a policy by ARN."""
    source = "docs.aws.amazon.com/IAM AttachRolePolicy"
    role, arn = inputs.get("role"), inputs.get("policyArn")
    if not role:
        yield refusal("role", 'Missing required argument: "role"', source)
    elif isinstance(role, str) and role.startswith("arn:"):
        yield refusal("role", f"ValidationError: expected the role's name, not its ARN: {role}", source)
    if arn is not UNKNOWN and not (isinstance(arn, str) and _POLICY_ARN.fullmatch(arn)):
        yield refusal("policyArn", f"InvalidInput: ARN {arn} is not valid", source)


def managed_policies(inputs: Inputs) -> Iterator[Refusal]:
    """Want ARNs of the policies listed in the role itself, too."""
    for index, arn in enumerate(items(inputs.get("managedPolicyArns"))):
        if isinstance(arn, str) and not _POLICY_ARN.fullmatch(arn):
            path = f"managedPolicyArns[{index}]"
            yield refusal(path, f"InvalidInput: ARN {arn} is not valid", "docs.aws.amazon.com/IAM AttachRolePolicy")


def _create_role(name: str, inputs: Inputs) -> Created:
    role = text(inputs.get("name")) or f"{text(inputs.get('namePrefix')) or name + '-'}1a2b3c4"
    outputs = {
        **inputs,
        "name": role,
        "arn": f"arn:aws:iam::{ACCOUNT}:role/{role}",
        "uniqueId": f"AROA{digest(role, 17).upper()}",
        "createDate": "2026-01-01T00:00:00Z",
        "tagsAll": inputs.get("tags") or {},
    }
    return Created(id=role, outputs=outputs)


def _create_attachment(name: str, inputs: Inputs) -> Created:
    return Created(id=f"{inputs.get('role')}-{digest(name, 20)}", outputs=dict(inputs))


ROLE = Kind(rules=(trust_policy, role_names, managed_policies), create=_create_role)
ATTACHMENT = Kind(rules=(attachment,), create=_create_attachment)
