"""What gets published, read back by skopeo and by plain HTTP; and what is refused before anything is."""

from __future__ import annotations

import base64
import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.registry.lab import images
from tests.registry.lab.images import Image, attested, image, index
from tests.registry.lab.tokens import PASSWORD, USER
from tests.registry.lab.workbench import run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.registry.lab.proxy import Call
    from tests.registry.lab.workbench import Workbench

BOTH = "linux/amd64,linux/arm64"


def _skopeo_copies(bench: Workbench, skopeo: str, repository: str, tag: str, folder: Path) -> list[dict[str, Any]]:
    """Have skopeo copy the whole index, every child and blob checked, past the proxy; the index's entries."""
    token = bench.tokens.everything(repository).removeprefix("Bearer ")
    source = f"docker://{bench.daemon.host}/{repository}:{tag}"
    command = [skopeo, "copy", "--insecure-policy", "--multi-arch", "all", "--src-tls-verify=false"]
    command += ["--src-registry-token", token, source, f"dir:{folder}"]
    ran = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr.decode()
    entries: list[dict[str, Any]] = json.loads((folder / "manifest.json").read_text())["manifests"]
    return entries


def _platforms(entries: list[dict[str, Any]]) -> list[str]:
    parts = [[e["platform"][key] for key in ("os", "architecture", "variant") if key in e["platform"]] for e in entries]
    return ["/".join(each) for each in parts]


@pytest.mark.parametrize("apart", [False, True], ids=["same repository", "other repositories"])
def test_skopeo_reads_back_every_child_and_blob(either: Workbench, skopeo: str, tmp_path: Path, *, apart: bool) -> None:
    repository = either.name()
    ran = either.merge(either.pair(repository, apart=apart), f"{repository}:1", "--tags", "latest")
    assert ran.code == 0, ran.err
    for tag in ("1", "latest"):
        assert _platforms(_skopeo_copies(either, skopeo, repository, tag, tmp_path / tag)) == [
            "linux/amd64",
            "linux/arm64",
        ]
        assert images.digest((tmp_path / tag / "manifest.json").read_bytes()) == ran.digest


@pytest.mark.parametrize(
    ("first", "second", "kind", "expected"),
    [
        pytest.param({}, {}, "oci", images.OCI_INDEX, id="OCI pair"),
        pytest.param({"media_type": False}, {"media_type": False}, "oci", images.OCI_INDEX, id="OCI without mediaType"),
        pytest.param({"docker": True}, {"docker": True}, "oci", images.OCI_INDEX, id="Docker pair into an OCI index"),
        pytest.param({"docker": True}, {"docker": True}, "auto", images.DOCKER_LIST, id="Docker pair, auto"),
        pytest.param({"docker": True}, {}, "auto", images.OCI_INDEX, id="mixed vendors, auto"),
        pytest.param({"docker": True}, {"docker": True}, "docker", images.DOCKER_LIST, id="Docker pair, docker"),
        pytest.param({"shared": 2}, {"shared": 2}, "oci", images.OCI_INDEX, id="shared layers"),
        pytest.param({"variant": "v1"}, {"variant": "v8"}, "oci", images.OCI_INDEX, id="variants that say the default"),
    ],
)
def test_kinds_of_images_become_the_right_kind_of_index(  # noqa: PLR0913, PLR0917 - the matrix
    bench: Workbench,
    skopeo: str,
    tmp_path: Path,
    first: dict[str, Any],
    second: dict[str, Any],
    kind: str,
    expected: str,
) -> None:
    repository = bench.name()
    for arch, more in (("amd64", first), ("arm64", second)):
        bench.push(f"{repository}-{arch}", image(arch, seed=repository.replace("/", "-"), **more), "1")
    ran = bench.merge(f"{bench.host}/{repository}-ARCH:1", f"{repository}:1", "--type", kind)
    assert ran.code == 0, ran.err
    assert bench.pusher(repository).manifest(repository, "1")["mediaType"] == expected
    assert len(_skopeo_copies(bench, skopeo, repository, "1", tmp_path / "copy")) == 2


def test_zstd_layers_are_carried_over(bench: Workbench) -> None:
    repository = bench.name()
    for arch in ("amd64", "arm64"):
        made = image(arch, seed=repository.replace("/", "-"), layer_type="application/vnd.oci.image.layer.v1.tar+zstd")
        bench.push(f"{repository}-{arch}", made, "1")
    assert bench.merge(f"{bench.host}/{repository}-ARCH:1", f"{repository}:1").code == 0


def test_buildkit_indexes_are_flattened_and_attestations_stay_linked(
    bench: Workbench, skopeo: str, tmp_path: Path
) -> None:
    repository = bench.name()
    for arch in ("amd64", "arm64"):
        bench.push(f"{repository}-{arch}", attested(arch, repository.replace("/", "-")), "1")
    ran = bench.merge(f"{bench.host}/{repository}-ARCH:1", f"{repository}:1")
    assert ran.code == 0, ran.err
    entries = _skopeo_copies(bench, skopeo, repository, "1", tmp_path / "copy")
    assert _platforms(entries) == ["linux/amd64", "linux/arm64", "unknown/unknown", "unknown/unknown"]
    assert [e["annotations"]["vnd.docker.reference.digest"] for e in entries[2:]] == [e["digest"] for e in entries[:2]]
    shown = bench.run("inspect", "--json", f"{bench.host}/{repository}:1").json()
    assert [part["attestations"] for part in shown["manifests"]] == [1, 1]
    assert bench.run("verify", f"{bench.host}/{repository}:1", "--platforms", BOTH).code == 0


REFUSED: dict[str, tuple[int, Image]] = {
    "arm64 tag whose config says amd64": (4, image("amd64", seed="mislabelled")),
    "config that says amd64/v8 (kaniko #2967)": (4, image("amd64", variant="v8")),
    "artifact without platform": (4, image("arm64", config={})),
    "artifact of another type": (
        4, image("arm64", extra={"config": images.descriptor(b"{}", "application/vnd.oci.empty.v1+json")})
    ),
    "config over 4 MiB": (10, image("arm64", config={"architecture": "arm64", "os": "linux", "x": "y" * (4 << 20)})),
    "index of another platform": (4, index([(image("amd64"), {"platform": {"architecture": "amd64", "os": "linux"}})])),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_make_the_index_a_lie_is_refused_and_nothing_published(bench: Workbench, name: str) -> None:
    repository = bench.name()
    code, wrong = REFUSED[name]
    pusher = bench.pusher(repository)
    pusher.push(repository, image("amd64", seed="good"), "1-amd64")
    if "another type" in name:
        pusher.blob(repository, b"{}", images.digest(b"{}"))
    pusher.push(repository, wrong, "1-arm64")
    ran = bench.merge(f"{bench.host}/{repository}:1-ARCH", f"{repository}:1")
    assert ran.code == code, ran.err
    assert bench.digest_of(repository, "1") is None


def test_the_same_digest_twice_is_refused_though_mismatches_are_allowed(bench: Workbench) -> None:
    repository = bench.name()
    bench.push(repository, image("amd64", seed="twice"), "1-amd64", "1-arm64")
    ran = bench.merge(f"{bench.host}/{repository}:1-ARCH", f"{repository}:1", "--allow-mismatch")
    assert ran.code == 4
    assert "are the same image" in ran.err


def test_an_allowed_mismatch_is_published_as_what_the_config_says(bench: Workbench) -> None:
    repository = bench.name()
    bench.push(repository, image("amd64", seed="x"), "1-arm64")
    wanted = ["push", "--template", f"{bench.host}/{repository}:1-ARCH", "--platforms", "linux/arm64"]
    ran = bench.run(*wanted, "--target", f"{bench.host}/{repository}:1", "--allow-mismatch")
    assert ran.code == 0, ran.err
    assert "published as linux/amd64" in ran.err
    entry = bench.pusher(repository).manifest(repository, "1")["manifests"][0]
    assert entry["platform"] == {"architecture": "amd64", "os": "linux"}


def test_an_image_that_says_arm64_and_runs_x86_is_caught_by_its_binaries(bench: Workbench) -> None:
    repository = bench.name()
    bench.push(repository, image("amd64", seed="b"), "1-amd64")
    bench.push(repository, image("arm64", runs="amd64", seed="b"), "1-arm64")
    template = f"{bench.host}/{repository}:1-ARCH"
    assert bench.merge(template, f"{repository}:unchecked").code == 0  # no other check can see it
    ran = bench.merge(template, f"{repository}:1", "--verify-binaries")
    assert ran.code == 4
    assert "the entrypoint /app/server: amd64, but the image says arm64" in ran.err
    assert bench.digest_of(repository, "1") is None
    assert bench.run("verify", f"{bench.host}/{repository}:unchecked", "--verify-binaries").code == 4


def test_binaries_that_cannot_be_read_are_not_taken_for_right(bench: Workbench) -> None:
    repository = bench.name()
    bench.push(repository, image("amd64", seed="z"), "1-amd64")
    empty = {"architecture": "arm64", "os": "linux", "config": {}}
    made = image("arm64", config=empty)
    bench.push(repository, made._replace(blobs=(made.blobs[0], *made.blobs[1:])), "1-arm64")
    ran = bench.merge(f"{bench.host}/{repository}:1-ARCH", f"{repository}:1", "--verify-binaries")
    assert ran.code == 0, ran.err  # no entrypoint, but the layers hold a program, and it is arm64's
    data = image("arm64", seed="data", layers=1, config=empty)
    text = images.layer({"etc/only-text": b"hello"})
    body = json.loads(data.body) | {"layers": [images.descriptor(text, images.OCI_LAYER)]}
    bench.push(repository, Image(json.dumps(body).encode(), data.media_type, (data.blobs[0], text)), "2-arm64")
    bench.push(repository, image("amd64", seed="z"), "2-amd64")
    ran = bench.merge(f"{bench.host}/{repository}:2-ARCH", f"{repository}:2", "--verify-binaries")
    assert ran.code == 9, ran.err
    assert bench.digest_of(repository, "2") is None


def test_digest_files_pin_what_is_merged_though_the_tags_have_moved(bench: Workbench, tmp_path: Path) -> None:
    repository = bench.name()
    for arch in ("amd64", "arm64"):
        digest = bench.push(f"{repository}-{arch}", image(arch, seed="pinned"), "main")
        bench.push(f"{repository}-{arch}", image(arch, seed="a later pipeline"), "main")
        entry = {"platform": f"linux/{arch}", "image": f"{bench.host}/{repository}-{arch}", "digest": digest}
        (tmp_path / f"{arch}.json").write_text(json.dumps(entry))
    more = ["--digest-file", str(tmp_path / "digest"), "--dotenv", str(tmp_path / "env"), "--json", "--platforms", BOTH]
    files = ["--from", str(tmp_path / "*.json")]
    ran = bench.run("push", *files, *more, "--target", f"{bench.host}/{repository}:1")
    assert ran.code == 0, ran.err
    published = bench.digest_of(repository, "1")
    assert ran.json()["digest"] == published == (tmp_path / "digest").read_text().strip()
    assert f"ARCHMERGE_REFERENCE={bench.host}/{repository}@{published}\n" in (tmp_path / "env").read_text()
    entries = bench.pusher(repository).manifest(repository, "1")["manifests"]
    assert [entry["digest"] for entry in entries] == [image(arch, seed="pinned").digest for arch in ("amd64", "arm64")]
    (tmp_path / "arm64.json").unlink()
    ran = bench.run("push", *files, *more, "--target", f"{bench.host}/{repository}:2")
    assert ran.code == 3, ran.err
    assert "no digest for linux/arm64" in ran.err


def test_positional_references_and_annotations(bench: Workbench) -> None:
    repository = bench.name()
    digests = [bench.push(repository, image(arch, seed="pos")) for arch in ("amd64", "arm64")]
    references = [f"{bench.host}/{repository}@{digests[0]}", f"linux/arm64={bench.host}/{repository}@{digests[1]}"]
    ran = bench.run(
        "push", "--target", f"{bench.host}/{repository}:1", "--annotations", "a=1,b=x=y", "--annotation", "c=1,2",
        "--descriptor-annotation", "linux/arm64", "for=arm", *references,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    made = bench.pusher(repository).manifest(repository, "1")
    assert made["annotations"] == {"a": "1", "b": "x=y", "c": "1,2"}
    assert [entry.get("annotations") for entry in made["manifests"]] == [None, {"for": "arm"}]


def test_ignore_missing_leaves_out_what_is_not_there_and_only_that(bench: Workbench) -> None:
    repository = bench.name()
    bench.push(repository, image("amd64"), "1-amd64")
    template = f"{bench.host}/{repository}:1-ARCH"
    ran = bench.merge(template, f"{repository}:1")
    assert ran.code == 3, ran.err
    assert "1-arm64" in ran.err
    assert bench.merge(template, f"{repository}:1", "--ignore-missing").code == 0
    assert len(bench.pusher(repository).manifest(repository, "1")["manifests"]) == 1
    assert bench.merge(f"{bench.host}/{repository}:none-ARCH", f"{repository}:2", "--ignore-missing").code == 3


def test_a_dry_run_shows_every_request_and_writes_nothing(bench: Workbench) -> None:
    repository = bench.name()
    template = bench.pair(repository, apart=True)
    bench.proxy.reset()
    dry = bench.merge(template, f"{repository}:1", "--tags", "latest", "--dry-run")
    assert dry.code == 0, dry.err
    assert {request.method for request in bench.proxy.seen} <= {"GET", "HEAD"}
    assert bench.digest_of(repository, "1") is None
    shown = dry.err
    bench.proxy.reset()
    real = bench.merge(template, f"{repository}:1", "--tags", "latest")
    assert real.digest == dry.digest
    writes = [f"would {r.method} {bench.proxy.base}{r.path}" for r in bench.proxy.seen if r.method in ("POST", "PUT")]
    assert len(writes) == 10 + 2 + 2
    assert all(line in shown for line in writes)


def test_a_batch_shares_tokens_and_tells_failures_apart(bench: Workbench, tmp_path: Path) -> None:
    repository = bench.name()
    template = bench.pair(repository, apart=True)
    entries: list[dict[str, Any]] = [
        {"target": f"{bench.host}/{repository}:{n}", "template": template, "platforms": BOTH.split(",")}
        for n in range(30)
    ]
    entries.append(
        {"target": f"{bench.host}/{repository}:bad", "sources": [{"image": f"{bench.host}/{repository}:none"}]}
    )
    (tmp_path / "batch.jsonl").write_text("\n".join(map(json.dumps, entries)))
    bench.proxy.reset()
    bench.tokens.asked.clear()
    ran = bench.run("push", "--batch", str(tmp_path / "batch.jsonl"))
    assert ran.code == 3, ran.err
    assert "30 of 31 merged" in ran.err
    assert len(set(ran.out.split()[::2])) == 1
    assert len(ran.out.splitlines()) == 30
    assert len(bench.tokens.asked) == 1


def test_a_batch_slows_down_when_it_is_asked_to(bench: Workbench, tmp_path: Path) -> None:
    """The registry takes 4 requests at once and answers 429 beyond: everything is merged in the end."""
    repository = bench.name()
    template = bench.pair(repository, apart=False)
    entries = [
        {"target": f"{bench.host}/{repository}:{n}", "template": template, "platforms": BOTH.split(",")}
        for n in range(20)
    ]
    (tmp_path / "batch.json").write_text(json.dumps(entries))
    bench.proxy.reset()
    bench.proxy.delay = 0.01
    bench.proxy.fault = lambda call: bench.proxy.active > 4 and call.answer(429)
    ran = bench.run("push", "--batch", str(tmp_path / "batch.json"), "--retries", "30")
    refused = sum(request.status == 429 for request in bench.proxy.seen)
    assert ran.code == 0, ran.err
    assert 0 < refused < len(bench.proxy.seen) / 2


def test_switching_over_from_manifest_tool_changes_one_word(bench: Workbench) -> None:
    """Its documented forms, word for word, with `manifest-tool` taken off."""
    repository = bench.name()
    template = bench.pair(repository, apart=True)
    target = f"{bench.host}/{repository}"
    bench.push(f"{repository}-armv7", image("arm", variant="v7"), "1")
    forms = [
        ["push", "from-args", "--platforms", BOTH, "--template", template, "--target", f"{target}:a"],
        ["--debug", "push", "--type", "oci", "from-args", "--platforms", BOTH, "--template", template, "--tags",
         "v1,v1.0", "--target", f"{target}:b", "--ignore-missing"],
        ["--insecure", "push", "--type", "docker", "from-args", "-platforms", BOTH, "-template", template, "-target",
         f"{target}:c", "--ignore-missing=true"],
        ["push", "from-args", "--platforms", "linux/amd64,linux/arm/v7", "--template", f"{target}-ARCHVARIANT:1",
         "--target", f"{target}:d"],
    ]  # fmt: skip
    for form in forms:
        ran = bench.run(*form)
        assert ran.code == 0, ran.err
        digest, size = ran.out.removeprefix("Digest: ").split()
        assert digest == bench.digest_of(repository, form[-1].rpartition(":")[2] if ":" in form[-1] else form[-2][-1:])
        assert int(size) > 100
    assert bench.digest_of(repository, "v1.0") == bench.digest_of(repository, "b")


def test_the_same_arguments_give_what_manifest_tool_gives(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where manifest-tool is on PATH: one word changed, the same children and platforms in the index."""
    program = shutil.which("manifest-tool")
    if program is None:
        pytest.skip("manifest-tool is not on PATH")
    repository = bench.name()
    template = bench.pair(repository, apart=True)
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {bench.host: {"auth": auth}}}))
    monkeypatch.delenv("ARCHMERGE_PASSWORD")
    published = []
    for word, target in ((program, "theirs"), ("archmerge", "ours")):
        argv = [
            "--plain-http",
            "--docker-cfg",
            str(tmp_path),
            "push",
            "--type",
            "oci",
            "from-args",
            "--platforms",
            BOTH,
        ]
        argv += ["--template", template, "--tags", f"{target}-too", "--target", f"{bench.host}/{repository}:{target}"]
        if word == "archmerge":
            ran = run(*argv)
            assert ran.code == 0, ran.err
            printed = ran.out
        else:
            theirs = subprocess.run([word, *argv], capture_output=True, text=True, check=False, timeout=60)
            assert theirs.returncode == 0, theirs.stderr
            printed = theirs.stdout
        assert printed.split()[1] == bench.digest_of(repository, f"{target}-too")
        entries = bench.pusher(repository).manifest(repository, target)["manifests"]
        published.append([(entry["digest"], entry["platform"]) for entry in entries])
    assert published[0] == published[1]


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT], ids=["cancelled", "Ctrl-C"])
def test_an_interrupted_run_says_which_tags_have_moved(bench: Workbench, sent: signal.Signals) -> None:
    repository = bench.name()
    template = bench.pair(repository, apart=False)
    reached = threading.Event()

    def hold(call: Call) -> bool:
        if call.method != "PUT" or not call.path.endswith("/manifests/latest"):
            return False
        reached.set()
        time.sleep(5)
        return call.drop()

    bench.proxy.fault = hold
    # A shell's background job has its children ignore SIGINT; a person's terminal doesn't.
    start = "import signal; signal.signal(2, signal.default_int_handler); from archmerge.cli import entry; entry()"
    command = [sys.executable, "-c", start, f"--plain-http={bench.host}", "push"]
    command += ["--template", template, "--platforms", "linux/amd64,linux/arm64", "--tags", "latest"]
    with subprocess.Popen(
        [*command, "--target", f"{bench.host}/{repository}:1"], stderr=subprocess.PIPE, text=True
    ) as process:
        assert reached.wait(20)
        process.send_signal(sent)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "interrupted; tags: 1 written, latest could not tell" in said
    assert bench.digest_of(repository, "1")
    assert bench.digest_of(repository, "latest") is None
