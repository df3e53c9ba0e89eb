"""What gitlab-runner and its helper send, written after gitlab-runner 19.4: the file and function is with each."""

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import urllib3


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Any
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


class Client:
    """One runner. Its requests are network/client.go's, doJSON and do."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token
        self._pool = urllib3.PoolManager(retries=False)

    def send(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        answer = self._pool.request(method, self.url + path, body=body, headers=headers or {}, timeout=20)
        return Answer(answer.status, answer.headers, answer.data)

    def json(self, method: str, path: str, content: Any, headers: dict[str, str] | None = None) -> Answer:
        sent = {"Content-Type": "application/json", "Accept": "application/json", **(headers or {})}
        return self.send(method, path, json.dumps(content), sent)

    def verify(self) -> Answer:
        """network/gitlab.go, VerifyRunner."""
        content = {"info": {"name": "gitlab-runner"}, "token": self.token, "system_id": "s_1"}
        return self.json("POST", "/api/v4/runners/verify", content, {"Runner-Token": self.token})

    def request_job(self, *, header: bool = True) -> Answer:
        """network/gitlab.go, RequestJob; runners before 18 had the token in the JSON alone."""
        content = {"info": {"executor": "kubernetes"}, "token": self.token, "system_id": "s_1"}
        return self.json("POST", "/api/v4/jobs/request", content, {"Runner-Token": self.token} if header else None)

    def patch(self, job: Any, start: int, content: bytes) -> Answer:
        """network/gitlab.go, PatchTrace."""
        headers = {
            "Job-Token": job["token"],
            "Content-Range": f"{start}-{start + len(content) - 1}",
            "Content-Type": "text/plain",
        }
        return self.send("PATCH", f"/api/v4/jobs/{job['id']}/trace?debug_trace=false", content, headers)

    def update(self, job: Any, state: str, size: int = 0, **more: Any) -> Answer:
        """network/gitlab.go, UpdateJob. Zeros are left out (common/network.go, omitempty)."""
        output = {"checksum": "crc32:00000000", **({"bytesize": size} if size else {})}
        content = {"info": {}, "token": job["token"], "state": state, "output": output, **more}
        return self.json("PUT", f"/api/v4/jobs/{job['id']}", content, {"Job-Token": job["token"]})

    def upload(self, job: Any, archive: bytes, token: str = "", kind: str = "archive") -> Answer:
        """network/gitlab.go, UploadRawArtifacts: a form whose length is not known, so in chunks."""
        path = f"/api/v4/jobs/{job['id']}/artifacts?artifact_format=zip&artifact_type={kind}"
        headers = {
            "Job-Token": token or job["token"],
            "Content-Type": "multipart/form-data; boundary=6f1c",
            "Transfer-Encoding": "chunked",
        }
        return self.send("POST", path, form(archive), headers)

    def download(self, dependency: Any) -> Answer:
        """network/gitlab.go, DownloadArtifacts, with what the job's `dependencies` say."""
        return self.send(
            "GET", f"/api/v4/jobs/{dependency['id']}/artifacts?", headers={"Job-Token": dependency["token"]}
        )

    def run(self, job: Any, log: bytes = b"done\n", state: str = "success", **more: Any) -> Answer:
        """A job from its first line to its end (network/trace.go)."""
        assert self.update(job, "running").status == 200
        assert self.patch(job, 0, log).status == 202
        return self.update(job, state, len(log), **more)


def form(archive: bytes) -> Iterator[bytes]:
    """mime/multipart's CreateFormFile, cut where it is not nice."""
    head = (
        b'--6f1c\r\nContent-Disposition: form-data; name="file"; filename="artifacts.zip"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n"
    )
    whole = head + archive + b"\r\n--6f1c--\r\n"
    yield from (whole[start : start + 100] for start in range(0, len(whole), 100))


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()
