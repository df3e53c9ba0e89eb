"""What is wrong with a configuration, said so that its reader can mend it."""

from dataclasses import dataclass, fields

from components.secret_text import blotted


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake: where it is, what is there, and how to fix it; what would have happened, only where it surprises.

    `path` is the key as the stack file spells it, for example `pools[1].machineType`. No field repeats what looks like
    a secret, whatever it was made of.
    """

    path: str
    found: str
    consequence: str = ""
    fix: str

    def __post_init__(self) -> None:
        """Blot out secrets, which may be anywhere in a file: in a value, a key, a name."""
        for each in fields(self):
            object.__setattr__(self, each.name, blotted(getattr(self, each.name)))

    @property
    def text(self) -> str:
        """All but the path: `found: consequence. fix`, or `found. fix`."""
        told = f"{self.found}: {self.consequence}" if self.consequence else self.found
        return f"{told.rstrip('.')}. {self.fix}"

    def __str__(self) -> str:
        """Render as `path: text`."""
        return f"{self.path}: {self.text}"


class ConfigError(Exception):
    """A configuration that cannot work. Raised before any resource is declared; carries every problem found."""

    def __init__(self, problems: list[Problem] | tuple[Problem, ...], source: str = "") -> None:
        self.problems = tuple(problems)
        self.source = source
        super().__init__("\n".join(f"{source}: {problem}" if source else str(problem) for problem in self.problems))
