"""Write docs/policy.md from the rules: `python -m docs.policy_page`. A test fails when the page is stale."""

import textwrap
from pathlib import Path

from components.policy.catalogue import RULES
from components.policy.subject import ResourceRule, Rule

PAGE = Path(__file__).resolve().parent / "policy.md"

_HEAD = """\
<!-- Written by `python -m docs.policy_page` from the rules' docstrings. Edit those. -->
# Policy

{count} rules that every stack must keep, whoever wrote it. They judge what is *declared*, and share no code with the
components that declare it, so that a mistake there is not repeated here.

## Where they are judged

- **In every rehearsal**: `multiarch rehearse` judges the planned resources; no Pulumi CLI is needed.
- **By the real engine**, on any backend: each resource before it is made, the whole stack at the end of a preview and
  of an update:

  ```console
  $ pip install -e '.[policy]'
  $ pulumi preview --stack gke --policy-pack components/policy
  ```

- **By your own code**: `components.policy.catalogue.violations(resources)` takes and returns plain dataclasses.

Each rule has three answers. A breach of a *mandatory* rule ends the update; one of an *advisory* rule is a warning.
Where a value is not known yet (a preview) or cannot be read, the answer is *could not tell*: the engine shows it as a
warning that the policy could not run, never as a pass.

## How to exempt

Give the pack a configuration file, `pulumi preview --policy-pack components/policy --policy-pack-config policy.json`.
A reason is part of an exemption, and `*` and `?` stand for any characters of a resource's name:

```json
{{
  "no-host-access": {{ "exempt": {{ "node-exporter": "reads the node's /proc, runs no foreign code" }} }},
  "image-digest": {{ "enforcementLevel": "disabled" }},
  "chart-digest": {{ "enforcementLevel": "mandatory" }},
  "pool-labels": {{ "requiredLabels": ["managed-by", "team"] }},
  "pool-protected": {{ "productionStacks": "^(prod-.*|gke)$" }}
}}
```

In code the same is `Settings(exemptions=(Exemption(rule=..., resource=..., reason=...),))`.

## The rules

| rule | level | what it wants |
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
