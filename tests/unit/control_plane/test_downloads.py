import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from multiarch.rehearse.control_plane.errors import BinariesError
from multiarch.rehearse.control_plane.official import Downloader, Limits, downgraded, read_pins
from multiarch.rehearse.control_plane.progress import Progress, State, silent
from multiarch.rehearse.control_plane.releases import Hosts, Release, releases
from multiarch.rehearse.control_plane.tools import pinned_versions
from tests.unit.control_plane.release_server import PLATFORM, ReleaseServer, digits, packed, program

SHORT = Limits(connect=0.5, stall=0.3, total=0.6)
VERSIONS = pinned_versions()


def release(server: ReleaseServer, tool: str) -> Release:
    return releases(VERSIONS, PLATFORM, server.hosts)[tool]


def downloader(**pins: str) -> Downloader:
    return Downloader(versions=VERSIONS, progress=silent, limits=SHORT, pins=pins)


def refusal(server: ReleaseServer, tool: str, scratch: Path, downloads: Downloader | None = None) -> str:
    """Fetch, which must be refused and leave nothing; returns the reason."""
    with pytest.raises(BinariesError) as refused:
        (downloads or downloader()).fetch(release(server, tool), scratch)
    assert list(scratch.iterdir()) == []
    return str(refused.value)


@pytest.fixture
def scratch(tmp_path: Path, bare_path: Path) -> Path:
    assert bare_path.exists()
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("tool", VERSIONS)
def test_a_release_is_used_when_its_published_checksum_fits(server: ReleaseServer, scratch: Path, tool: str) -> None:
    server.publish_all()
    made = downloader().fetch(release(server, tool), scratch)
    assert made.read_bytes() == program(tool, VERSIONS[tool])
    assert [path.name for path in scratch.iterdir()] == [tool]


@pytest.mark.parametrize("tool", ["kube-apiserver", "etcd", "kwok", "helm"])
def test_a_release_with_another_checksum_is_refused(server: ReleaseServer, scratch: Path, tool: str) -> None:
    server.publish_all()
    server.publish(tool, server.files[server.path(tool)], sha256="1" * 64)
    assert f"but {'1' * 64} is published" in refusal(server, tool, scratch)


@pytest.mark.parametrize("tool", ["kube-apiserver", "etcd", "kwok", "helm"])
def test_a_release_without_a_checksum_is_refused_and_not_even_downloaded(
    server: ReleaseServer, scratch: Path, tool: str
) -> None:
    server.publish_all()
    del server.files[server.sums_path(tool)]
    assert "404" in refusal(server, tool, scratch)
    assert server.path(tool) not in server.asked


@pytest.mark.parametrize(
    ("tool", "text"),
    [
        ("kube-apiserver", ""),
        ("kube-apiserver", "<html>Not Found</html>"),
        ("kube-apiserver", "1" * 63),
        ("helm", f"{'1' * 64}  helm-v9.9.9-linux-amd64.tar.gz"),
        ("etcd", f"{'1' * 64}  etcd-v3.6.8-linux-arm64.tar.gz"),
        ("kwok", "{}"),
        ("kwok", '{"assets": [{"name": "kwok-linux-amd64", "digest": null}]}'),
        ("kwok", '{"assets": [{"name": "kwok-linux-amd64", "digest": "sha512:1111"}]}'),
        ("kwok", "rate limit exceeded"),
    ],
)
def test_a_checksum_that_is_none_of_the_file_is_refused(
    server: ReleaseServer, scratch: Path, tool: str, text: str
) -> None:
    server.publish_all()
    server.files[server.sums_path(tool)] = text.encode()
    assert "no SHA-256 of" in refusal(server, tool, scratch)


def test_a_release_that_is_not_there_is_told_with_its_address(server: ReleaseServer, scratch: Path) -> None:
    server.publish_all()
    del server.files[server.path("kwok")]
    assert refusal(server, "kwok", scratch) == f"{server.base}{server.path('kwok')}: 404 Not Found"


def test_a_file_that_breaks_off_is_refused(server: ReleaseServer, scratch: Path) -> None:
    server.publish_all()
    content = server.files[server.path("kwok")]

    def cut(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[:-5])

    server.answers[server.path("kwok")] = cut
    assert "IncompleteRead" in refusal(server, "kwok", scratch)


def test_a_file_that_breaks_off_without_a_stated_length_is_refused(server: ReleaseServer, scratch: Path) -> None:
    server.publish_all()
    content = server.files[server.path("kwok")]

    def cut(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(content[:-5])

    server.answers[server.path("kwok")] = cut
    assert f"has SHA-256 {digits(content[:-5])}" in refusal(server, "kwok", scratch)


def test_a_server_that_falls_silent_is_given_up(server: ReleaseServer, scratch: Path) -> None:
    server.publish_all()
    server.answers[server.path("kwok")] = lambda _: time.sleep(2)
    began = time.monotonic()
    assert "timed out" in refusal(server, "kwok", scratch).lower()
    assert time.monotonic() - began < 1.5


def test_a_server_that_trickles_cannot_stretch_the_total_time(server: ReleaseServer, scratch: Path) -> None:
    server.publish_all()

    def trickle(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(30):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.05)

    server.answers[server.path("kwok")] = trickle
    began = time.monotonic()
    assert "not finished within 0.6 s" in refusal(server, "kwok", scratch)
    assert time.monotonic() - began < 1.4


def test_a_program_of_another_version_is_refused_though_its_checksum_fits(server: ReleaseServer, scratch: Path) -> None:
    server.publish_all()
    server.publish("kwok", program("kwok", "0.0.1"))
    assert f"says 0.0.1; this needs {VERSIONS['kwok']}" in refusal(server, "kwok", scratch)


def test_an_archive_without_the_program_is_refused(server: ReleaseServer, scratch: Path) -> None:
    server.publish_all()
    server.publish("helm", packed("windows-amd64/helm.exe", b"MZ"))
    assert "has no file linux-amd64/helm" in refusal(server, "helm", scratch)


def test_a_file_that_is_no_archive_is_refused(server: ReleaseServer, scratch: Path) -> None:
    server.publish_all()
    server.publish("helm", b"not gzip")
    assert "ReadError" in refusal(server, "helm", scratch)


def test_a_pinned_file_must_fit_the_pin_as_well(server: ReleaseServer, scratch: Path) -> None:
    server.publish_all()
    end = server.path("kwok").removeprefix("/kwok/")
    pinned = downloader(**{end: "2" * 64})
    assert f"but {'2' * 64} is pinned" in refusal(server, "kwok", scratch, pinned)
    right = downloader(**{end: digits(server.files[server.path("kwok")])})
    assert right.fetch(release(server, "kwok"), scratch).name == "kwok"


def test_pins_are_read_from_beside_go_mod(tmp_path: Path) -> None:
    assert read_pins(tmp_path) == {}
    (tmp_path / "official.sha256").write_text(f"# why\n{'AB' * 32}  v0.8.0/kwok-linux-amd64\n", encoding="utf-8")
    assert read_pins(tmp_path) == {"v0.8.0/kwok-linux-amd64": "ab" * 32}


def test_without_a_way_out_the_later_downloads_are_not_tried(scratch: Path, server: ReleaseServer) -> None:
    closed = "http://127.0.0.1:1"
    nowhere = Hosts(kubernetes=closed, etcd=closed, kwok=closed, kwok_api=closed, helm=server.base)
    table = releases(VERSIONS, PLATFORM, nowhere)
    downloads = downloader()
    began = time.monotonic()
    with pytest.raises(BinariesError, match=r"no connection to 127\.0\.0\.1"):
        downloads.fetch(table["etcd"], scratch)
    with pytest.raises(BinariesError, match="not tried, since no connection"):
        downloads.fetch(table["helm"], scratch)
    assert server.asked == []
    assert time.monotonic() - began < 1


def test_a_name_that_does_not_resolve_is_told_in_time(scratch: Path) -> None:
    hosts = Hosts(etcd="https://releases.invalid")
    began = time.monotonic()
    with pytest.raises(BinariesError, match=r"releases\.invalid has no address"):
        downloader().fetch(releases(VERSIONS, PLATFORM, hosts)["etcd"], scratch)
    assert time.monotonic() - began < 2


def test_a_redirect_is_followed_but_never_out_of_tls(server: ReleaseServer, scratch: Path) -> None:
    server.publish_all()
    content = server.files.pop(server.path("kwok"))
    server.files["/elsewhere"] = content

    def elsewhere(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", "/elsewhere")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    server.answers[server.path("kwok")] = elsewhere
    assert downloader().fetch(release(server, "kwok"), scratch).read_bytes() == content
    assert downgraded("https://get.helm.sh/x", ["https://cdn.example/x", "http://cdn.example/x"])
    assert not downgraded("https://get.helm.sh/x", ["https://cdn.example/x", None])


def test_progress_tells_the_share_that_has_arrived(server: ReleaseServer, scratch: Path) -> None:
    server.publish_all()
    told: list[Progress] = []
    Downloader(versions=VERSIONS, progress=told.append, limits=SHORT).fetch(release(server, "kwok"), scratch)
    assert [(report.state, report.fraction) for report in told] == [(State.RUNNING, 1.0), (State.DONE, None)]
    assert {report.subject for report in told} == {"kwok"}


def test_the_addresses_are_the_projects_own() -> None:
    table = releases(VERSIONS, PLATFORM, Hosts())
    kubernetes, etcd, kwok, helm = (VERSIONS[name] for name in ("kubectl", "etcd", "kwok", "helm"))
    assert table["kubectl"].url == f"https://dl.k8s.io/release/v{kubernetes}/bin/linux/amd64/kubectl"
    releases_of = "https://github.com/etcd-io/etcd/releases/download"
    assert table["etcd"].url == f"{releases_of}/v{etcd}/etcd-v{etcd}-linux-amd64.tar.gz"
    assert table["etcd"].sums_url == f"{releases_of}/v{etcd}/SHA256SUMS"
    assert table["kwok"].url.endswith(f"kubernetes-sigs/kwok/releases/download/v{kwok}/kwok-linux-amd64")
    assert table["helm"].sums_url == f"https://get.helm.sh/helm-v{helm}-linux-amd64.tar.gz.sha256sum"
