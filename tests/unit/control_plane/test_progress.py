import io

from multiarch.rehearse.control_plane.progress import PlainLines, Progress, State


def test_plain_lines_tell_each_change_once_and_long_steps_now_and_then() -> None:
    stream = io.StringIO()
    show = PlainLines(stream, every=15)
    for second in range(40):
        show(Progress(step="build", subject="etcd", state=State.RUNNING, elapsed=second, detail=f"{second} packages"))
        show(Progress(step="find", subject="helm", state=State.DONE))
    show(Progress(step="build", subject="etcd", state=State.DONE, elapsed=40))
    lines = [line for line in stream.getvalue().splitlines() if line.startswith("build")]
    assert lines == [
        "build etcd: running: 0 packages",
        "build etcd: running, 15 s: 15 packages",
        "build etcd: running, 30 s: 30 packages",
        "build etcd: done, 40 s",
    ]


def test_a_known_share_is_shown_in_percent() -> None:
    report = Progress(step="download", subject="kwok", state=State.RUNNING, fraction=0.5, elapsed=2, detail="30 MiB")
    assert PlainLines.line(report) == "download kwok: running 50%, 2 s: 30 MiB"
