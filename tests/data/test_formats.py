"""Folders, parquet files and python batches, friendly and hostile."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from eyetest.data import load_data
from eyetest.data.fetch import fetch_cifar10
from eyetest.data.pixels import decode
from eyetest.errors import DataError

RED = (200, 30, 30)


def png(colour: tuple[int, int, int] = RED, size: tuple[int, int] = (40, 32)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


def class_folders(path: Path, classes: tuple[str, ...] = ("ant", "bee"), n: int = 10) -> Path:
    for index, name in enumerate(classes):
        (path / name).mkdir(parents=True)
        for k in range(n):
            (path / name / f"{k}.png").write_bytes(png((20 * k, 100 * index, 50)))
    return path


def test_class_folders_are_split_with_every_class(tmp_path):
    data = load_data(class_folders(tmp_path / "photos"))
    assert data.classes == ("ant", "bee")
    assert [len(data.splits[name]) for name in ("train", "validation", "test")] == [16, 2, 2]
    assert data.image_size == (32, 32)
    assert data.train.images(data.train.rows).shape == (16, 3, 32, 32)
    assert data.fingerprint == load_data(tmp_path / "photos").fingerprint
    (tmp_path / "photos" / "ant" / "0.png").write_bytes(png((1, 2, 3)))
    assert data.fingerprint != load_data(tmp_path / "photos").fingerprint


def test_split_folders_are_kept(tmp_path):
    for part in ("train", "test"):
        class_folders(tmp_path / part)
    data = load_data(tmp_path)
    assert [len(data.splits[name]) for name in ("train", "validation", "test")] == [18, 2, 20]


def test_one_class_an_empty_folder_and_half_a_split_are_refused(tmp_path):
    with pytest.raises(DataError, match="at least two"):
        load_data(class_folders(tmp_path / "one", ("ant",)))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no images in class folders"):
        load_data(tmp_path / "empty")
    class_folders(tmp_path / "half" / "train")
    with pytest.raises(DataError, match="not both train and test"):
        load_data(tmp_path / "half")


def test_a_class_without_images_in_a_split_is_named(tmp_path):
    class_folders(tmp_path / "train", ("ant", "bee"))
    class_folders(tmp_path / "test", ("ant",))
    with pytest.raises(DataError, match="test split has no image of bee"):
        load_data(tmp_path)


def test_an_unreadable_image_is_named(tmp_path):
    class_folders(tmp_path)
    file = tmp_path / "bee" / "7.png"
    file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(DataError, match=r"bee/7\.png cannot be read"):
        load_data(tmp_path)


@pytest.mark.parametrize("mode", ["L", "RGBA", "LA", "P", "CMYK", "1"])
def test_every_kind_of_picture_becomes_rgb(mode, tmp_path):
    file = tmp_path / ("x.tif" if mode == "CMYK" else "x.png")
    Image.new("RGB", (32, 32), "white").convert(mode).save(file)
    assert decode(file, 32, "x").min() >= 250


def test_alpha_lies_on_white_and_16_bits_are_scaled(tmp_path):
    Image.new("RGBA", (32, 32), (0, 0, 0, 0)).save(tmp_path / "a.png")
    assert (decode(tmp_path / "a.png", 32, "a") == 255).all()
    Image.fromarray(np.full((32, 32), 32768, dtype=np.uint16)).save(tmp_path / "b.png")
    assert (decode(tmp_path / "b.png", 32, "b") == 128).all()


def test_exif_orientation_is_obeyed(tmp_path):
    pixels = np.zeros((32, 32, 3), dtype=np.uint8)
    pixels[:16] = 255
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(pixels).save(tmp_path / "x.png", exif=exif)
    upright = decode(tmp_path / "x.png", 32, "x")
    assert upright[:, 16:].min() == 255
    assert upright[:, :16].max() == 0


def test_a_decompression_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(DataError, match="bomb"):
        decode(png(), 32, "bomb")


def parquet_file(path: Path, labels: list[object]) -> None:
    images = [{"bytes": png((k, 0, 0)), "path": ""} for k in range(len(labels))]
    path.parent.mkdir(exist_ok=True)
    pq.write_table(pa.table({"image": images, "label": labels}), path)


def test_parquet_with_text_labels(tmp_path):
    parquet_file(tmp_path / "p" / "data.parquet", ["ant", "bee"] * 10)
    data = load_data(tmp_path / "p")
    assert data.classes == ("ant", "bee")
    assert sum(len(split) for split in data.splits.values()) == 20


def test_parquet_labels_out_of_range_and_missing_columns(tmp_path):
    parquet_file(tmp_path / "p" / "data.parquet", [0, 1, -1, 1] * 5)
    with pytest.raises(DataError, match="row 2 has label -1"):
        load_data(tmp_path / "p")
    pq.write_table(pa.table({"x": [1]}), tmp_path / "p" / "data.parquet")
    with pytest.raises(DataError, match="label column"):
        load_data(tmp_path / "p")


def batches(folder: Path, n: int = 40, labels: list[int] | None = None) -> Path:
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for name in [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]:
        content = {
            b"data": random.integers(0, 256, (n, 3072), dtype=np.uint8),
            b"labels": labels or list(range(10)) * 4,
        }
        (folder / name).write_bytes(pickle.dumps(content, protocol=2))
    return folder


def test_python_batches(tmp_path):
    folder = batches(tmp_path / "cifar-10-batches-py")
    data = load_data(tmp_path)
    assert data.title == "CIFAR-10"
    assert len(data.train) + len(data.validation) == 200
    assert data.fingerprint == load_data(folder).fingerprint


def test_a_pickle_that_wants_more_is_never_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'harm'}",)

    folder = batches(tmp_path / "b")
    (folder / "test_batch").write_bytes(pickle.dumps({b"data": Evil()}, protocol=2))
    with pytest.raises(DataError, match="which no CIFAR-10 file does"):
        load_data(folder)
    assert not (tmp_path / "harm").exists()


def test_batches_with_labels_out_of_range_or_cut_off_are_refused(tmp_path):
    with pytest.raises(DataError, match="from 0 to 10"):
        load_data(batches(tmp_path / "b", labels=[*range(11)] * 3 + [0] * 7))
    (tmp_path / "b" / "data_batch_1").write_bytes(b"\x80\x02}")
    with pytest.raises(DataError, match="data_batch_1"):
        load_data(tmp_path / "b")


@pytest.fixture
def server():
    served: dict[str, bytes] = {}
    ranges: list[str | None] = []
    cut: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content, wanted = served["file"], self.headers.get("Range")
            ranges.append(wanted)
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            if start >= len(content):
                self.send_error(416)
                return
            self.send_response(206 if wanted else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start : cut.pop() if cut else None])

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    yield served, ranges, cut, f"http://127.0.0.1:{http.server_address[1]}/x.tar.gz"
    http.shutdown()
    thread.join()
    http.server_close()


def archive(folder: Path, name: str = "cifar-10-batches-py") -> tuple[bytes, str]:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        tar.add(folder, arcname=name)
    return file.getvalue(), hashlib.md5(file.getvalue()).hexdigest()


def test_fetch_resumes_a_cut_download_and_unpacks(server, tmp_path):
    served, ranges, _, url = server
    served["file"], md5 = archive(batches(tmp_path / "source"))
    target = tmp_path / "cifar10"
    target.mkdir()
    (target / "cifar-10-python.tar.gz.part").write_bytes(served["file"][:1000])
    folder = fetch_cifar10(target, url=url, md5=md5)
    assert ranges == ["bytes=1000-"]
    assert load_data(target).title == "CIFAR-10"
    assert [one.name for one in target.iterdir()] == [folder.name]


def test_a_connection_that_breaks_keeps_what_came_and_goes_on(server, tmp_path):
    served, ranges, cut, url = server
    served["file"], md5 = archive(batches(tmp_path / "source"))
    cut.append(5000)
    with pytest.raises(DataError, match=r"5,000 of [\d,]+ bytes.*to resume"):
        fetch_cifar10(tmp_path / "c", url=url, md5=md5)
    assert load_data(fetch_cifar10(tmp_path / "c", url=url, md5=md5)).title == "CIFAR-10"
    assert ranges == [None, "bytes=5000-"]


def test_fetch_refuses_another_file_and_one_that_climbs_out(server, tmp_path):
    served, _, _, url = server
    served["file"], md5 = archive(batches(tmp_path / "source"), "../outside")
    with pytest.raises(DataError, match="was expected"):
        fetch_cifar10(tmp_path / "a", url=url, md5="0" * 32)
    with pytest.raises(DataError, match="which CIFAR-10 does not"):
        fetch_cifar10(tmp_path / "a", url=url, md5=md5)
    assert not (tmp_path / "outside").exists()


def test_fetch_without_a_server_says_so(tmp_path):
    with pytest.raises(DataError, match="failed"):
        fetch_cifar10(tmp_path / "a", url="http://127.0.0.1:9/none")


def test_cifar10_that_is_nowhere_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EYETEST_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("EYETEST_DATA", raising=False)
    with pytest.raises(DataError, match="eyetest fetch cifar10"):
        load_data("cifar10")
