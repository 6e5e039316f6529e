"""Several implementations, which a file names, in one run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_baseline import recorded
from test_html import Page

from mcp_sampling_conformance.cli import main
from mcp_sampling_conformance.matrix import Implementation, MatrixError, read_matrix

__all__ = ["recorded"]


def written(folder: Path, text: str) -> Path:
    path = folder / "mcp-sampling.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_words_of_an_implementation(tmp_path: Path) -> None:
    text = """
    [[implementation]]
    name = "python-sdk-2.x"
    server = "python server.py"
    strict = true
    baseline-update = false
    timeout = 2.5
    tool = ["a", "b={}"]
    """
    words = ["server", "python server.py", "--strict", "--timeout=2.5", "--tool=a", "--tool=b={}"]
    assert read_matrix(written(tmp_path, text)) == [Implementation("python-sdk-2.x", words)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("implementation = [", "is no TOML"),
        ("", "names no implementation"),
        ("implementations = 1", "names no implementation"),
        ("[[implementation]]\nserver = 'a'", "implementation 1 has no name"),
        ("[[implementation]]\nname = '../a'\nserver = 'a'", "implementation 1 has no name that is one of a file"),
        ("[[implementation]]\nname = 'a'", "none of server, client"),
        ("[[implementation]]\nname = 'a'\nserver = 'a'\nclient = 'b'", "2 of server, client"),
        ("[[implementation]]\nname = 'a'\nserver = 'a'\ntimout = 1", "no option 'timout'; the nearest is timeout"),
        ("[[implementation]]\nname = 'a'\nserver = 'a'\nreport = 'x.json'", "there is no option 'report'"),
        ("[[implementation]]\nname = 'a'\nserver = 'a'\nstrict = 1", "strict is 1; write true or false"),
        ("[[implementation]]\nname = 'a'\nserver = 'a'\ntimeout = [1, 2]", "timeout is given more than once"),
        ("[[implementation]]\nname = 'a'\nserver = {}", "server is {}; write a text"),
        ("[[implementation]]\nname = 'a'\nserver = 'a'\n" * 2, "two implementations have the name 'a'"),
    ],
)
def test_what_is_wrong_with_a_file(text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, text)
    with pytest.raises(MatrixError) as raised:
        read_matrix(path)
    assert said in str(raised.value)
    with pytest.raises(SystemExit) as exit:
        main(["matrix", str(path), "-o", str(tmp_path / "out")])
    assert exit.value.code == 4
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["matrix", str(tmp_path / "none.toml"), "-o", str(tmp_path)])
    assert "cannot be read (No such file or directory)" in capsys.readouterr().err


def test_a_matrix(tmp_path: Path, recorded: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = f"""
    [[implementation]]
    name = "broken"
    transcript = {json.dumps(str(recorded))}

    [[implementation]]
    name = "known"
    transcript = {json.dumps(str(recorded))}
    baseline = "known.yml"

    [[implementation]]
    name = "missing"
    server = "no-such-program"
    """
    (tmp_path / "known.yml").write_text("server: [max-tokens/integer]\n")
    path, out = written(tmp_path, text), tmp_path / "out"
    (out / "missing.json").parent.mkdir()
    (out / "missing.json").write_text("of an earlier run")
    words = ["matrix", str(path), "-o", str(out), "-n", "2", "--", "-p", "no:asyncio"]
    assert main(words) == 1
    said = capfd.readouterr().out
    assert "1 passed" in said
    assert "2 failed" in said
    assert "there is no command 'no-such-program'" in said
    assert not (out / "missing.json").exists()
    index = Page((out / "index.html").read_text(encoding="utf-8"))
    for name in ("broken", "known"):
        assert index.all("a", href=f"{name}.html#max-tokens/integer@2025-06-18")
    assert main([*words[:4], "--only", "known"]) == 0
    with pytest.raises(SystemExit):
        main([*words[:4], "--only", "unknown"])
    assert "names no implementation 'unknown'; it names broken, known, missing" in capfd.readouterr().err
