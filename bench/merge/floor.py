"""The least that a merge can take in this Python: same trips as archmerge, and nothing checked, retried or explained.

    python3 -IS floor.pyc HOST TEMPLATE TARGET     (plain HTTP; amd64, arm64; credentials of ~/.docker/config.json)

Never a way to merge images: it is what docs/merge.md compares archmerge with, to tell what is Python's own time from
what could still be saved. It knows the token endpoint, has no options, reads HTTP only as the lab's registry writes it,
and is run from one compiled file, which spares what a zipapp costs.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from hashlib import sha256

ACCEPT = "Accept: application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json\r\n"
INDEX = "application/vnd.oci.image.index.v1+json"


def parts(reference: str) -> tuple[str, str]:
    """Repository and tag of `host/repository:tag`."""
    repository, _, tag = reference.partition("/")[2].rpartition(":")
    return repository, tag


def all_at_once(
    host: str, auth: str, requests: list[tuple[str, str, str, bytes]], kept: list[socket.socket]
) -> list[bytes]:
    """Each request on a connection of its own, all written before the first answer is read; their bodies."""
    name, _, port = host.partition(":")
    while len(kept) < len(requests):
        address = (name.encode(), int(port))  # bytes, for a str would load the idna codec: 3 ms
        kept.append(socket.create_connection(address))  # type: ignore[arg-type] # typeshed knows str alone
        kept[-1].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for sock, (method, path, headers, body) in zip(kept, requests):  # noqa: B905 - more connections than requests
        length = f"Content-Length: {len(body)}\r\n" if method in ("PUT", "POST") else ""
        sock.sendall(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{auth}{headers}{length}\r\n".encode() + body)
    return [answer(sock) for sock, _ in zip(kept, requests)]  # noqa: B905 - as above


def answer(sock: socket.socket) -> bytes:
    """Return the body of an answer with a Content-Length; empty when it is no success."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += sock.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    lower = head.lower()
    length = int(lower.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
    while len(body) < length:
        body += sock.recv(65536)
    return body if head[9:10] == b"2" else b""


def main(host: str, template: str, target: str) -> None:
    """Merge the images of amd64 and arm64."""
    with open(os.environ["HOME"] + "/.docker/config.json", encoding="utf-8") as file:  # noqa: PTH123 - pathlib takes 5 ms
        basic = json.load(file)["auths"][host]["auth"]
    repository, tag = parts(target)
    sources = [parts(template.replace("ARCH", arch)) for arch in ("amd64", "arm64")]
    scopes = "".join(f"&scope=repository:{name}:pull" for name in {name for name, _ in sources} - {repository})
    query = f"service=lab-registry&account=builder&scope=repository:{repository}:pull,push{scopes}"
    kept: list[socket.socket] = []
    (token,) = all_at_once(host, f"Authorization: Basic {basic}\r\n", [("GET", f"/token?{query}", "", b"")], kept)
    auth = f"Authorization: Bearer {json.loads(token)['token']}\r\n"
    asked = [("GET", f"/v2/{name}/manifests/{version}", ACCEPT, b"") for name, version in (*sources, (repository, tag))]
    bodies = all_at_once(host, auth, asked, kept)[:2]
    manifests = [json.loads(body) for body in bodies]
    asked = [
        ("GET", f"/v2/{name}/blobs/{m['config']['digest']}", "", b"")
        for (name, _), m in zip(sources, manifests)  # noqa: B905 - of one length
    ]
    children = []
    for (name, _), manifest, body in zip(sources, manifests, bodies):  # noqa: B905 - of one length
        if name == repository:
            continue
        children.append((sha256(body).hexdigest(), manifest["mediaType"], body))
        for blob in (manifest["config"], *manifest["layers"]):
            mount = f"/v2/{repository}/blobs/uploads/?mount={blob['digest']}&from={name}"
            asked.append(("POST", mount, "", b""))
    configs = [json.loads(body) for body in all_at_once(host, auth, asked, kept)[:2]]
    if children:
        puts = [
            ("PUT", f"/v2/{repository}/manifests/sha256:{hexed}", f"Content-Type: {kind}\r\n", body)
            for hexed, kind, body in children
        ]
        all_at_once(host, auth, puts, kept)
    entries = [
        {
            "mediaType": manifest["mediaType"],
            "digest": f"sha256:{sha256(body).hexdigest()}",
            "size": len(body),
            "platform": {"architecture": config["architecture"], "os": config["os"]},
        }
        for manifest, body, config in zip(manifests, bodies, configs)  # noqa: B905 - of one length
    ]
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()
    put = ("PUT", f"/v2/{repository}/manifests/{tag}", f"Content-Type: {INDEX}\r\n", index)
    all_at_once(host, auth, [put], kept)
    sys.stdout.write(f"sha256:{sha256(index).hexdigest()}\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
