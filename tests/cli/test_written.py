"""`eyetest report`: the page, its PDF, its theme, without pictures, and in the default browser."""

from __future__ import annotations

import json
import os
import sys
import webbrowser
from pathlib import Path

import pytest
from hand_made import add, begin, estimate, exam_scores
from PIL import Image

from eyetest.__main__ import code
from eyetest.records import Card, Gallery
from eyetest.report import pdf
from eyetest.store import RunDir

BROWSER = f"""#!{sys.executable}
import json, pathlib, sys, time
flags = dict(a.partition("=")[::2] for a in sys.argv[1:])
out = pathlib.Path(flags["--print-to-pdf"])
profile = pathlib.Path(flags["--user-data-dir"])
pathlib.Path(__file__).with_name("asked.json").write_text(json.dumps([sys.argv[-1], str(profile), profile.is_dir(), str(out)]))
"""
"""A browser that notes what it is asked; each test says what it does then."""
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="the made-up browser is a script with a first line")


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    made = begin(tmp_path / "run")
    add(made, "PRF001", estimate("accuracy", 0.5, 0.4, 0.6))
    Image.new("RGB", (4, 4), "red").save(made.path / "one.png")
    card = Card(id="test-0", truth="ant", predicted="bee", confidence=0.9, image="one.png")
    shown = made["PRF001"].model_copy(update={"blocks": (Gallery(title="errors", total=1, cards=(card,)),)})
    made.write_finding(shown)
    return made


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is all of PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(pdf, "usual_places", list)
    return folder


def install(folder: Path, name: str, then: str) -> None:
    (folder / name).write_text(BROWSER + then, encoding="utf-8")
    (folder / name).chmod(0o755)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@POSIX
@pytest.mark.parametrize("name", ["chromium", "google-chrome", "microsoft-edge"])
def test_the_pdf_lies_beside_the_page(name, run, programs, tmp_path, capsys) -> None:
    install(programs, name, "out.write_bytes(b'%PDF-1.4 new')")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a b.pdf").write_bytes(b"old")
    page = tmp_path / "out" / "a b.html"
    assert code(["report", str(run.path), "--pdf", "--out", str(page)]) == 0
    assert capsys.readouterr().out.splitlines() == [str(page), str(page.with_suffix(".pdf"))]
    assert page.with_suffix(".pdf").read_bytes() == b"%PDF-1.4 new"
    assert left(tmp_path / "out") == ["a b.html", "a b.pdf"]
    opened, profile, existed, out = json.loads((programs / "asked.json").read_text())
    assert opened == page.as_uri()
    assert existed
    assert not Path(profile).exists()
    assert out != str(page.with_suffix(".pdf"))


@POSIX
@pytest.mark.parametrize(
    "then",
    ["out.write_bytes(b''); print('no display'); sys.exit(1)", "print('no display', file=sys.stderr); sys.exit(1)"],
)
def test_a_browser_that_fails_leaves_the_old_pdf(then, run, programs, capsys) -> None:
    install(programs, "chromium", then)
    run.page.with_suffix(".pdf").write_bytes(b"old")
    assert code(["report", str(run.path), "--pdf"]) == 2
    said = capsys.readouterr().err
    assert "no display" in said
    assert "exit code 1" in said
    assert run.page.with_suffix(".pdf").read_bytes() == b"old"
    assert not [name for name in left(run.path) if name.startswith(".")]


@POSIX
def test_a_browser_that_hangs_is_stopped(run, programs) -> None:
    install(programs, "chromium", "out.write_bytes(b'%PDF-1.4 half'); time.sleep(60)")
    page = run.report()
    with pytest.raises(pdf.UserError, match="longer than 1 s"):
        pdf.write_pdf(page, page.with_suffix(".pdf"), seconds=1.0)
    assert not [name for name in left(run.path) if "pdf" in name]


def test_without_a_browser_nothing_is_written_and_the_message_names_one(run, programs, capsys) -> None:
    assert code(["report", str(run.path), "--pdf"]) == 2
    assert "apt install chromium" in capsys.readouterr().err
    assert not run.page.exists()


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_usual_places_are_programs_of_that_system(platform, monkeypatch) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("PROGRAMFILES", "/Program Files")
    assert len(pdf.usual_places()) >= 3
    assert all("chrom" in str(place).lower() or "edge" in str(place).lower() for place in pdf.usual_places())


def test_a_page_that_is_called_pdf_is_refused(run, tmp_path, capsys) -> None:
    assert code(["report", str(run.path), "--out", str(tmp_path / "x.pdf")]) == 2
    assert "x.html --pdf" in capsys.readouterr().err
    assert not (tmp_path / "x.pdf").exists()


def test_open_shows_the_page(run, tmp_path, monkeypatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: bool(shown.append(url)) or True)
    assert code(["report", str(run.path), "--open", "--out", str(tmp_path / "p.html")]) == 0
    assert shown == [(tmp_path / "p.html").as_uri()]


def test_open_without_a_browser_says_so(run, monkeypatch, capsys) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    assert code(["report", str(run.path), "--open"]) == 0
    assert str(run.page) in capsys.readouterr().err


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
def test_the_theme_is_the_readers_choice(theme, run) -> None:
    assert code(["report", str(run.path), "--theme", theme]) == 0
    assert f'data-theme="{theme}"' in run.page.read_text(encoding="utf-8")


def test_an_unknown_theme_is_bad_input(run) -> None:
    assert code(["report", str(run.path), "--theme", "sepia"]) == 2
    assert not run.page.exists()


def test_no_images_leaves_out_the_data(run) -> None:
    assert code(["report", str(run.path)]) == 0
    assert "data:image/png" in run.page.read_text(encoding="utf-8")
    assert code(["report", str(run.path), "--no-images"]) == 0
    page = run.page.read_text(encoding="utf-8")
    assert "data:image/png" not in page
    assert "PRF001" in page


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_stays_a_pipe(run, tmp_path, capsys) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert code(["report", str(run.path), "--out", str(pipe)]) == 2
    assert "no ordinary file" in capsys.readouterr().err
    assert pipe.is_fifo()


def test_a_directory_is_refused(run, tmp_path, capsys) -> None:
    assert code(["report", str(run.path), "--out", str(tmp_path)]) == 2
    assert "no ordinary file" in capsys.readouterr().err


def test_a_link_stays_and_its_file_is_replaced(run, tmp_path) -> None:
    (tmp_path / "there").mkdir()
    file, link = tmp_path / "there" / "page.html", tmp_path / "page.html"
    file.write_text("old", encoding="utf-8")
    link.symlink_to(file)
    assert code(["report", str(run.path), "--out", str(link)]) == 0
    assert link.is_symlink()
    assert "PRF001" in file.read_text(encoding="utf-8")


@pytest.fixture
def exam(tmp_path: Path) -> Path:
    """What `eyetest validate` leaves."""
    folder = tmp_path / "exam"
    folder.mkdir()
    (folder / "validation.json").write_text(json.dumps(exam_scores()), encoding="utf-8")
    return folder


@POSIX
def test_an_exam_is_written_opened_and_printed_as_a_run_is(exam, programs, monkeypatch, capsys) -> None:
    install(programs, "chromium", "out.write_bytes(b'%PDF-1.4 new')")
    shown: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: bool(shown.append(url)) or True)
    assert code(["report", str(exam), "--pdf", "--open", "--theme", "dark"]) == 0
    page = exam / "report.html"
    assert capsys.readouterr().out.splitlines() == [str(page), str(page.with_suffix(".pdf"))]
    assert page.with_suffix(".pdf").read_bytes() == b"%PDF-1.4 new"
    assert shown == [page.as_uri()]
    text = page.read_text(encoding="utf-8")
    assert 'data-theme="dark"' in text
    assert "The audit passed in the exam of 30 models." in text


def test_an_exam_without_its_record_is_bad_input(exam, capsys) -> None:
    scores = exam_scores()
    del scores["record"]
    (exam / "validation.json").write_text(json.dumps(scores), encoding="utf-8")
    assert code(["report", str(exam)]) == 2
    assert f"eyetest validate --out {exam}" in capsys.readouterr().err


def test_a_tracker_takes_no_exam(exam, capsys) -> None:
    assert code(["report", str(exam), "--tracker", "tensorboard"]) == 2
    assert "a run was expected for --tracker" in capsys.readouterr().err
    assert not (exam / "report.html").exists()


def test_a_folder_without_anything_is_no_run(tmp_path, capsys) -> None:
    assert code(["report", str(tmp_path)]) == 2
    assert "There is no run at" in capsys.readouterr().err
