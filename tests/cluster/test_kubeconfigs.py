"""Kubeconfigs against kubectl and the real API server: the same files, the same server, the same person."""

import base64
import json
import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from components.kubeconfig_files import KubeconfigError, Place, default_files, read_kubeconfig
from multiarch.cluster.api import Api
from multiarch.cluster.connection import Connection
from multiarch.rehearse.control_plane.plane import ControlPlane
from multiarch.rehearse.control_plane.sources import Binaries
from multiarch.rehearse.install.helm import Helm, HelmError

PAIR = ("client-certificate", "client-key")
CONTEXTS = st.one_of(st.just({"cluster": "a", "user": "b"}), st.just({"cluster": "b"}))
CLUSTERS = st.sets(st.sampled_from(["ca", "name"]))
PARTS = {"context": CONTEXTS, "cluster": CLUSTERS, "user": st.sampled_from(["cert", "as"])}


@st.composite
def sets(draw: st.DrawFn) -> list[Any]:
    """A set of files: each entry stands in one or more of them, seldom in none, or twice in one."""
    files: list[Any] = [{each: [] for each in PARTS} for _ in range(draw(st.integers(1, 4)))]
    for each, part in PARTS.items():
        for name in ("a", "b"):
            for number in draw(st.lists(st.integers(0, len(files) - 1), min_size=1, max_size=3, unique=True)):
                files[number][each].append((name, draw(part)))
    if draw(st.integers(0, 9)) == 0:
        each = draw(st.sampled_from(list(PARTS)))
        damaged = draw(st.sampled_from(files))
        damaged[each] = draw(st.sampled_from([[], damaged[each] * 2]))
    for other in draw(st.lists(st.sampled_from([None, "empty"]), max_size=2)):
        files.insert(draw(st.integers(0, len(files))), other)
    return files


def write(number: int, content: Any, root: Path) -> Path:
    """Write one file of a set into a folder of its own, with what it refers to."""
    folder = root / f"folder{number}"
    folder.mkdir()
    path = folder / "config"
    for name in ("a", "b"):
        for kind in ("ca", "cert", "key"):
            (folder / f"{name}.{kind}").write_text(f"{kind} of {name} in {number}")
    if content == "empty":
        path.write_text("")
    elif content is not None:
        path.write_text(json.dumps({f"{each}s": entries(each, content[each], number) for each in PARTS}))
    return path


def entries(each: str, listed: list[tuple[str, Any]], number: int) -> list[dict[str, Any]]:
    return [{"name": name, each: entry(each, name, part, number)} for name, part in listed]


def entry(each: str, name: str, part: Any, number: int) -> dict[str, Any]:
    if each == "context":
        return dict(part)
    if each == "cluster":
        more = {"ca": {"certificate-authority": f"{name}.ca"}, "name": {"tls-server-name": f"n{number}"}}
        return {"server": f"https://{name}{number}.example", **{k: v for one in part for k, v in more[one].items()}}
    if part == "cert":
        return {"client-certificate": f"{name}.cert", "client-key": f"./{name}.key"}
    return {"token": f"{name}{number}", "as": f"as {name}{number}"}


def kubectls(program: Path, environment: dict[str, str], cwd: Path) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return cluster and user as kubectl has them, files read in; None where it refuses."""
    command = [str(program), "config", "view", "--raw", "--minify", "--flatten", "--context", "a", "-o", "json"]
    done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return None
    document = json.loads(done.stdout)
    users = document["users"] or []
    return document["clusters"][0]["cluster"], users[0]["user"] if users else {}


def flat(place: Place) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return cluster and user with the files read in."""

    def read(part: Any) -> dict[str, Any]:
        files = {key: value for key, value in part.items() if key in ("certificate-authority", *PAIR)}
        data = {f"{key}-data": base64.b64encode(Path(value).read_bytes()).decode() for key, value in files.items()}
        return {**{key: value for key, value in part.items() if key not in files}, **data}

    return read(place.cluster), read(place.user)


def ours(environment: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]] | str:
    """Return cluster and user as this program has them, files read in; or why there are none."""
    try:
        return flat(read_kubeconfig(default_files(environment)).place("a"))
    except KubeconfigError as error:
        return error.found


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(files=sets(), linked=st.booleans(), gap=st.booleans())
def test_of_any_set_of_files_the_same_server_and_user_are_taken_as_by_kubectl(
    binaries: Binaries, files: list[Any], *, linked: bool, gap: bool
) -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        paths = [write(number, content, root) for number, content in enumerate(files)]
        if linked:
            paths[-1] = link(paths[-1], root)
        environment = {"KUBECONFIG": os.pathsep.join([*([""] if gap else []), *map(str, paths)])}
        expected, found = kubectls(binaries.path("kubectl"), environment, root), ours(environment)
        event("a way to a cluster" if expected else "no way")
        # kubectl's view passes over a user who is not there; here nobody goes on as anonymous.
        assert found == expected or (isinstance(found, str) and (expected is None or "there is no user" in found))


def link(path: Path, root: Path) -> Path:
    """Put a link to a file into another folder, where its relative paths start then."""
    folder = root / "links"
    folder.mkdir()
    for name in ("a.ca", "b.ca", "a.cert", "b.cert", "a.key", "b.key"):
        (folder / name).write_text(f"{name} beside the link")
    (folder / "config").symlink_to(path)
    return folder / "config"


def acting(plane: ControlPlane, folder: Path) -> Path:
    """Write the administrator's kubeconfig, acting as somebody who may nothing."""
    document = yaml.safe_load(plane.kubeconfig.read_text())
    document["users"][0]["user"] |= {
        "as": "ann",
        "as-uid": "7",
        "as-groups": ["builders", "testers"],
        "as-user-extra": {"example.org/scopes": ["one", "two"], "reason": ["a test"]},
    }
    path = folder / "config"
    path.write_text(yaml.safe_dump(document))
    path.chmod(0o600)
    return path


def test_whom_a_kubeconfig_acts_as_is_who_we_are_as_it_is_who_kubectl_is(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    path = acting(control_plane, tmp_path)
    command = [str(control_plane.binary("kubectl")), "--kubeconfig", str(path), "--context", control_plane.context]
    done = subprocess.run([*command, "auth", "whoami", "-o", "json"], capture_output=True, text=True, check=True)
    kubectls_ = json.loads(done.stdout)["status"]["userInfo"]
    with Connection(path, control_plane.context) as connection:
        version = "authentication.k8s.io/v1"
        review = {"apiVersion": version, "kind": "SelfSubjectReview"}
        answer = Api.of(connection).create(f"/apis/{version}/selfsubjectreviews", review)
    assert answer["status"]["userInfo"] == kubectls_
    assert kubectls_["username"] == "ann"


def test_helm_acts_as_whom_the_kubeconfig_says(control_plane: ControlPlane, tmp_path: Path) -> None:
    with (
        Helm(control_plane.binary("helm"), acting(control_plane, tmp_path), control_plane.context) as helm,
        pytest.raises(HelmError, match='User "ann" cannot list'),
    ):
        helm.run(["uninstall", "none", "--namespace", "default", *helm._cluster])
