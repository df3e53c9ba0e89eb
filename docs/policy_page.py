"""Write docs/policy.md from the rules: `python -m docs.policy_page`. A test fails when the page is stale."""

import textwrap
from pathlib import Path

from components.policy.catalogue import RULES
from components.policy.subject import ResourceRule, Rule

PAGE = Path(__file__).resolve().parent / "policy.md"

_HEAD = """\
<!-- Written by `python -m docs.policy_page` from the rules' docstrings. Edit those. -->
# Policy

{count} rules that every stack must follow, where they are checked, and how to exempt a resource. The rules check the
*declared* resources. They share no code with the components, so that they do not repeat a component's mistake.

## Where they are checked

- **In every rehearsal**: `multiarch rehearse` checks the planned resources, without a Pulumi CLI.
- **By Pulumi**, with any backend: each resource before it is created, and the whole stack at the end of a preview or
  an update:

  ```console
  $ pip install -e '.[policy]'
  $ pulumi preview --stack gke --policy-pack components/policy
  ```

- **By your own code**: `components.policy.catalogue.violations(resources)` takes and returns plain dataclasses.

Each rule has three answers. A violation of a *mandatory* rule stops the update; of an *advisory* rule, it is a warning.
If a value is not known yet (in a preview) or cannot be read, the answer is *could not tell*: Pulumi shows a warning
that the policy could not run.

## Exempt a resource

Write a configuration file: `pulumi preview --policy-pack components/policy --policy-pack-config policy.json`.
An exemption needs a reason. `*` and `?` stand for any characters of a resource's name:

```json
{{
  "no-host-access": {{ "exempt": {{ "node-exporter": "reads the node's /proc, runs no foreign code" }} }},
  "image-digest": {{ "enforcementLevel": "disabled" }},
  "chart-digest": {{ "enforcementLevel": "mandatory" }},
  "pool-labels": {{ "requiredLabels": ["managed-by", "team"] }},
  "pool-protected": {{ "productionStacks": "^(prod-.*|gke)$" }}
}}
```

In Python, use `Settings(exemptions=(Exemption(rule=..., resource=..., reason=...),))`.

## The rules

| rule | level | what it requires |
| --- | --- | --- |
"""


def page() -> str:
    """Return the page's text."""
    rows = "".join(f"| [`{rule.id}`](#{rule.id}) | {rule.level} | {rule.title} |\n" for rule in RULES)
    return _HEAD.format(count=len(RULES)) + rows + "".join(_section(rule) for rule in RULES)


def _section(rule: Rule) -> str:
    parts = [
        f"\n### {rule.id}\n",
        f"{rule.title} ({rule.level})\n",
        _wrap(rule.why),
        _wrap(f"*Judged on*: {_subject(rule)}."),
    ]
    if isinstance(rule, ResourceRule) and rule.needs_secret_marks:
        parts.append(_wrap("*Only in a rehearsal*: the engine gives a policy pack plain values, without secret marks."))
    parts.append(_wrap(f"*Source*: {rule.source}"))
    return "\n".join(parts)


def _subject(rule: Rule) -> str:
    if not isinstance(rule, ResourceRule):
        return "the whole stack"
    return ", ".join(f"`{kind}`" for kind in sorted(rule.types)) or "every resource"


def _wrap(text: str) -> str:
    return textwrap.fill(text, width=120, break_long_words=False, break_on_hyphens=False) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
