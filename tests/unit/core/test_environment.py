"""A child process gets a list of its own of the user's variables, and no process is started without one."""

import ast
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from archmerge.credentials import run_helper
from multiarch.core.environment import FURTHER, GROUPS, Child, environment
from multiarch.rehearse.install.helm import Helm

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = ("multiarch", "components", "archmerge", "docs", "ci")
MAKERS = {"environment", "helper_environment"}
STARTERS = {
    "subprocess": {"run", "Popen", "call", "check_call", "check_output"},
    "asyncio": {"create_subprocess_exec", "create_subprocess_shell"},
}
UNSUITABLE = {
    "os": {"system", "popen", "posix_spawn", "posix_spawnp", "startfile", "fork", "forkpty"},
    "subprocess": {"getoutput", "getstatusoutput"},
    "pty": {"spawn", "fork"},
}
"""What inherits the environment, or hides it from this search."""
MODULES = ("subprocess", "os", "asyncio", "pty", "multiarch.core.environment")
PLANE = "multiarch/rehearse/control_plane"
GIVEN = {
    f"{PLANE}/supervisor.py: subprocess.Popen": "a script of its own; its parent sends the environment",
    "multiarch/rehearse/nodes/pid_one.py: subprocess.Popen": "a script of its own; its starter writes the environment",
    "multiarch/rehearse/engine/language.py: subprocess.Popen": "the engine's, which has its list",
    f"{PLANE}/tied.py: os.execv": "becomes the command, in the environment that its starter gave it",
}


def starts(source: str) -> Iterator[tuple[str, ast.Call | None, ast.AST]]:
    """List what a module starts processes by: the function's name, the call, and the function around it."""
    tree = ast.parse(source)
    names = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    modules = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    around: dict[ast.AST, ast.AST] = {}
    calls: dict[ast.AST, ast.Call] = {}
    for node in ast.walk(tree):  # from the outside in: the innermost function is written last
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            around.update(dict.fromkeys(ast.walk(node), node))
        if isinstance(node, ast.Call):
            calls[node.func] = node
    types = {node.value for node in ast.walk(tree) if isinstance(node, ast.Subscript)}  # subprocess.Popen[bytes]
    for node in ast.walk(tree):
        if node in types:
            continue
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = f"{modules.get(node.value.id, node.value.id)}.{node.attr}"
        elif isinstance(node, ast.Name):
            name = names.get(node.id, "")
        else:
            continue
        if _starts(name):
            yield name, calls.get(node), around.get(node, tree)


def _starts(name: str) -> bool:
    module, _, function = name.rpartition(".")
    known = STARTERS.get(module, set()) | UNSUITABLE.get(module, set())
    return function in known or (module == "os" and function.startswith(("exec", "spawn")))


def fault(name: str, call: ast.Call | None, function: ast.AST) -> str:
    """Say what is wrong with one start; empty when its environment comes from the module of lists."""
    module, _, starter = name.rpartition(".")
    if starter not in STARTERS.get(module, set()):
        return "can't be given an environment that this test sees: use subprocess"
    if call is None:
        return "is handed on, so that nobody sees its environment"
    given = next((word.value for word in call.keywords if word.arg == "env"), None)
    if given is None:
        return "has no env="
    return "" if _is_made(given, function) else f"env={ast.unparse(given)} comes from somewhere else"


def _is_made(given: ast.expr, function: ast.AST) -> bool:
    """Whether it is made there and then, by a method that returns an Environment (mypy's to hold), or is such one."""
    if isinstance(given, ast.Call):
        maker = ast.unparse(given.func)
        return maker in MAKERS or maker.rpartition(".")[2] == "_environment"
    if not isinstance(given, ast.Name) or not isinstance(function, ast.FunctionDef):
        return False
    found = [one.annotation for one in [*function.args.args, *function.args.kwonlyargs] if one.arg == given.id]
    return [ast.unparse(one) for one in found if one is not None] == ["Environment"]


def sources() -> dict[str, str]:
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    texts = {str(path.relative_to(ROOT)): path.read_text() for path in [*paths, ROOT / "__main__.py"]}
    return {
        path: text
        for path, text in texts.items()
        if any(f"import {module}" in text or f"from {module} " in text for module in MODULES)
    }


def test_every_process_is_started_in_an_environment_from_the_lists() -> None:
    found = [
        (f"{path}: {name}", fault(name, call, function))
        for path, source in sources().items()
        for name, call, function in starts(source)
    ]
    assert [(start, wrong) for start, wrong in found if wrong and start not in GIVEN] == []
    assert [start for start, wrong in found if wrong] == sorted(GIVEN), "an exception that is none any more"
    assert len(found) > 14


def test_what_a_method_gives_as_an_environment_is_one() -> None:
    """The search trusts `_environment()`; mypy knows it by its type, which only the module of lists makes."""
    for path, source in sources().items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef) and node.name == "_environment":
                assert node.returns is not None, path
                assert ast.unparse(node.returns) == "Environment", path
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "Environment":
                assert path == "multiarch/core/environment.py" or "multiarch.core.environment" not in source, path


@pytest.mark.parametrize(
    "source",
    [
        "import subprocess\nsubprocess.run(['x'])",
        "import subprocess\nsubprocess.run(['x'], env={**os.environ})",
        "import subprocess\nsubprocess.Popen(['x'], env=None)",
        "import subprocess as s\ns.check_output(['x'])",
        "from subprocess import run\nrun(['x'])",
        "from subprocess import run as go\nthing(go)",
        "import subprocess\ndef f(env: dict[str, str]):\n    subprocess.run(['x'], env=env)",
        "import subprocess\nsubprocess.run(['x'], **given)",
        "import subprocess\nsubprocess.getoutput('x')",
        "import os\nos.system('x')",
        "import os\nos.execv('x', ['x'])",
        "import os\nos.spawnl(0, 'x')",
        "from os import execvp\nexecvp('x', ['x'])",
        "import os\nos.posix_spawn('x', ['x'], os.environ)",
        "import asyncio\nasyncio.create_subprocess_exec('x')",
        "import pty\npty.spawn('x')",
    ],
)
def test_the_search_finds_a_start_without_one(source: str) -> None:
    assert [fault(*start) for start in starts(source) if fault(*start)]


@pytest.mark.parametrize(
    "source",
    [
        "import subprocess\nsubprocess.run(['x'], env=environment(Child.GO))",
        "import subprocess\ndef f(given: Environment):\n    subprocess.run(['x'], env=given)",
        "import subprocess\nsubprocess.run(['x'], env=self._environment())",
        "import os\nos.environ['x']\nsubprocess.PIPE",
    ],
)
def test_the_search_leaves_the_rest_alone(source: str) -> None:
    assert not [fault(*start) for start in starts(source) if fault(*start)]


LEADS_ELSEWHERE = {
    "HELM_KUBEAPISERVER", "HELM_KUBETOKEN", "HELM_KUBECONTEXT", "HELM_KUBEASUSER", "HELM_KUBEASGROUPS",
    "HELM_KUBECAFILE", "HELM_KUBEINSECURE_SKIP_TLS_VERIFY", "HELM_KUBETLS_SERVER_NAME", "HELM_NAMESPACE", "HELM_DRIVER",
    "HELM_DRIVER_SQL_CONNECTION_STRING", "KUBERNETES_MASTER", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT",
}  # fmt: skip


@pytest.mark.parametrize("child", Child)
def test_no_child_gets_a_variable_that_leads_to_another_cluster_not_even_when_it_is_named(child: Child) -> None:
    given = dict.fromkeys(LEADS_ELSEWHERE, "x")
    assert environment(child, environ={**given, FURTHER: ", ".join(given)}) == {}


@pytest.mark.parametrize("child", Child)
def test_no_child_gets_what_nobody_listed(child: Child) -> None:
    assert environment(child, environ={"DRIFT_TOKEN": "x", "LD_PRELOAD": "x", "MY_OWN": "x"}) == {}


CLOUDS = {"AWS_PROFILE": "a", "GOOGLE_APPLICATION_CREDENTIALS": "b", "AZURE_CLIENT_ID": "c", "CLOUDSDK_CONFIG": "d"}


@pytest.mark.parametrize("child", Child)
def test_cloud_logins_reach_only_who_logs_in(child: Child) -> None:
    wanted = CLOUDS if child in {Child.LOGIN, Child.HELM, Child.PULUMI} else {}
    assert environment(child, environ=CLOUDS) == wanted


def test_a_further_variable_reaches_programs_of_the_users_when_it_is_named() -> None:
    environ = {"TSH_PLACE": "x", "OTHER": "y", FURTHER: "TSH_PLACE, ABSENT"}
    passing = {child for child in Child if environment(child, environ=environ) == {"TSH_PLACE": "x"}}
    assert passing == {Child.LOGIN, Child.HELM, Child.PULUMI, Child.PROGRAM}


def test_what_a_child_is_told_wins_over_what_the_user_has() -> None:
    environ = {"GOPROXY": "https://theirs", "PATH": "/bin"}
    assert environment(Child.GO, {"GOPROXY": "off"}, environ=environ) == {"GOPROXY": "off", "PATH": "/bin"}
    assert environment(Child.GO, without=["GOPROXY"], environ=environ) == {"PATH": "/bin"}


def test_every_group_is_somebodys() -> None:
    assert {group for child in Child for group in child.value.groups} == set(GROUPS)


def rows() -> list[str]:
    """Return the rows of the page's two tables."""

    def listed(names: Sequence[str]) -> str:
        return ", ".join(f"`{name}`" for name in names)

    children = [(child.value.text, ", ".join(child.value.groups) or "nothing", child.value.passes) for child in Child]
    return [
        *(
            f"| {text} | {groups}{f', and what `{FURTHER}` names' if passes else ''} |"
            for text, groups, passes in children
        ),
        *(f"| {name} | {listed(names)} |" for name, names in GROUPS.items()),
    ]


def test_the_page_shows_the_lists_as_they_are() -> None:
    page = (ROOT / "docs" / "environment.md").read_text().splitlines()
    shown = [line for line in page if line.startswith("| ") and not line.startswith(("| ---", "| child", "| group"))]
    assert shown == rows()


def reporter(path: Path, to: Path) -> Path:
    """Write a program that writes its environment down."""
    writes = f"open({str(to)!r}, 'w').write(json.dumps(dict(os.environ)))"
    path.write_text(f"#!{sys.executable} -SE\nimport json, os\n{writes}\nprint('{{}}')\n")
    path.chmod(0o755)
    return path


def seen(path: Path) -> Mapping[str, str]:
    found = json.loads(path.read_text())
    found.pop("LC_CTYPE", None)  # Python's own, in a C locale
    return dict(found)


def test_helm_and_its_login_programs_see_the_cluster_that_was_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*LEADS_ELSEWHERE, "KUBECONFIG", "HELM_PLUGINS", "HELM_REPOSITORY_CONFIG", "GITLAB_TOKEN"):
        monkeypatch.setenv(name, "theirs")
    monkeypatch.setenv("HELM_REGISTRY_CONFIG", "/their/logins.json")
    monkeypatch.setenv("AWS_PROFILE", "ci")
    config = tmp_path / "kubeconfig"
    with Helm(reporter(tmp_path / "helm", tmp_path / "seen"), config, "there") as helm:
        helm.uninstall("r", "n")
    found = seen(tmp_path / "seen")
    assert "theirs" not in found.values()
    assert found["KUBECONFIG"] == str(config)
    assert (found["AWS_PROFILE"], found["HELM_REGISTRY_CONFIG"]) == ("ci", "/their/logins.json")
    ours = {"HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "HELM_REGISTRY_CONFIG"}
    assert {name for name in found if name.startswith("HELM_")} == ours


def test_a_credential_helper_gets_its_own_login_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ARCHMERGE_PASSWORD", "CI_JOB_TOKEN", "CI_REGISTRY_PASSWORD", "DOCKER_AUTH_CONFIG", "GITLAB_TOKEN"):
        monkeypatch.setenv(name, "secret-of-another")
    monkeypatch.setenv("AWS_PROFILE", "ci")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    reporter(tmp_path / "docker-credential-lab", tmp_path / "seen")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert run_helper("lab", "registry.example") == {}
    found = seen(tmp_path / "seen")
    assert "secret-of-another" not in found.values()
    assert (found["AWS_PROFILE"], found["HTTPS_PROXY"]) == ("ci", "http://proxy.example")
