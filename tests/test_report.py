"""The report: one file that needs nothing else, and says what is in the images."""

import base64
import html.parser
import io
import re

import numpy as np
import PIL.Image
import pytest
import tifffile

from napari_nucseg import find_nuclei, report_entry, write_report
from napari_nucseg.cli import main
from napari_nucseg.image.files import write_labels
from napari_nucseg.image.provenance import read_provenance
from napari_nucseg.measure.report.outliers import distances_from_most
from napari_nucseg.measure.report.svg import bars, histogram

#: Tags that are not closed.
_ALONE = {"meta", "img", "input", "path", "rect", "line", "br"}


class Page(html.parser.HTMLParser):
    """Notes texts, what is loaded from elsewhere, and checks that tags are closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.sources, self.texts, self.tags = [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]
        if tag not in _ALONE:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in _ALONE:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture
def folder(tmp_path, two_nuclei):
    """Six images with their labels beside them; the last has one nucleus only."""
    image = (50 + 100 * (two_nuclei > 0)).astype(np.uint8)
    for number, name in enumerate("abcdef"):
        labels = np.where(two_nuclei == 1, 0, two_nuclei) if name == "f" else two_nuclei
        tifffile.imwrite(tmp_path / f"{name}.tif", np.roll(image, number % 2, axis=0))
        made_by = {"software": "napari-nucseg 1", "model": "nuclei <b>", "seconds": number}
        write_labels(tmp_path / f"{name}_labels.tif", labels, provenance=made_by)
    return tmp_path


def nucseg(*arguments):
    return main([str(argument) for argument in arguments])


def test_report_of_a_folder_is_one_file(folder, capsys):
    output = folder / "report.html"
    assert nucseg("report", folder, "--output", output, "--title", "A & B") == 0
    text = output.read_text(encoding="utf-8")
    page = Page(text)
    told = " ".join(page.texts)
    assert all(source.startswith("data:image/jpeg;base64,") for source in page.sources)
    assert len(page.sources) == 6
    assert "http" not in text and "script" not in page.tags
    assert "A & B" in told
    assert "11 nuclei in 6 images" in told
    assert "nuclei <b>" in told  # as a text, not as a tag
    assert told.count('"model"') == 1  # the same for all
    assert "corrected_mean_intensity" in told
    assert "Wrote" in capsys.readouterr().out


def test_pictures_are_those_of_the_images(folder):
    entry = report_entry(folder / "a_labels.tif", folder / "a.tif")
    assert entry.name == "a"
    picture = np.asarray(PIL.Image.open(io.BytesIO(entry.picture)))
    assert picture.shape == (12, 16, 3)
    assert picture[6, 5].min() > 200
    assert picture[0, 0].max() < 60


def test_field_has_its_image_with_it(field):
    picture = np.asarray(PIL.Image.open(io.BytesIO(report_entry(field).picture)))
    assert picture[6, 5].min() > 200


def test_pictures_are_made_small_enough():
    noise = np.random.default_rng(0).integers(0, 255, (1100, 1100), np.uint8)
    entry = report_entry(np.zeros(noise.shape, int), noise)
    assert len(entry.picture) < 330_000


def test_labels_without_an_image(two_nuclei, tmp_path):
    write_report(tmp_path / "r.html", [report_entry(two_nuclei, name="mine")])
    assert "mine: 2 nuclei" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_stack_shows_its_middle_plane(two_nuclei):
    stack = np.stack([two_nuclei * 0, two_nuclei, two_nuclei * 0])
    entry = report_entry(stack, stack * 100)
    picture = np.asarray(PIL.Image.open(io.BytesIO(entry.picture)))
    assert picture[6, 5].max() > 100
    assert entry.measurement.summary["depth"] == 3


def test_what_was_corrected_by_hand_is_counted(two_nuclei, tmp_path):
    labels = two_nuclei
    states = {1: "edited", 7: "accepted"}
    known = report_entry(labels, name="a", states=states)
    assert known.corrected == {"edited": 1, "accepted": 0, "unreviewed": 1}
    write_report(tmp_path / "r.html", [known, report_entry(labels, name="b")])
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    section = text.partition("Corrected by hand")[2].partition("<h2>")[0]
    assert "<td>a</td><td>1</td><td>0</td><td>1</td>" in section
    assert "1 image: not known." in section
    # A file may say it, too.
    write_labels(
        tmp_path / "c.tif", labels, None, {"software": "x", "states": {"accepted": [2]}}
    )
    written = report_entry(tmp_path / "c.tif")
    assert written.corrected == {"edited": 0, "accepted": 1, "unreviewed": 1}


def test_image_without_nuclei(tmp_path):
    write_report(tmp_path / "r.html", [report_entry(np.zeros((9, 9), int))])
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "0 nuclei in 1 image" in page.texts


def test_nuclei_and_images_far_from_most_are_told(tmp_path):
    entries = []
    for seed in range(6):
        labels = np.zeros((100, 100), int)
        sides = np.random.default_rng(seed).integers(4, 8, 9)
        for number, side in enumerate(sides, start=1):
            y, x = divmod(number - 1, 3)
            labels[y * 30 : y * 30 + side, x * 30 : x * 30 + 5] = number
        if seed == 3:
            labels[60:99, 60:99] = 9
            labels[0:29] = 0
        elif seed:
            labels[labels == seed] = 0
        entries.append(report_entry(labels, name=f"field {seed}"))
    write_report(tmp_path / "r.html", entries)
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    outliers = text.partition("<h2>Outliers")[2].partition("<h2>")[0]
    first = re.findall("<td.*?>(.*?)</td>", outliers)[:4]
    assert first == ["field 3", "9", "79, 79", "area"]
    assert "class='odd'" in text.partition("<h2>Images")[2].partition("<h2>")[0]


def test_labels_say_what_made_them(tmp_path, simulated, quick_learner):
    tifffile.imwrite(tmp_path / "a.tif", simulated.image)
    options = ["--model", quick_learner, "--minimum-size=30", "--output", tmp_path]
    assert nucseg("segment", tmp_path / "a.tif", *options) == 0
    found = read_provenance(tmp_path / "a_labels.tif")
    expected = find_nuclei(tmp_path / "a.tif", quick_learner, minimum_size=30).provenance
    assert found | {"seconds": 0} == expected | {"seconds": 0}
    assert len(found["weights_sha256"]) == 64


def test_large_labels_say_what_made_them(tmp_path, two_nuclei):
    made_by = {"software": "napari-nucseg 1", "image": "Zellen µ"}
    write_labels(tmp_path / "a.tif", two_nuclei * 70_000, provenance=made_by)
    assert read_provenance(tmp_path / "a.tif") == made_by
    write_labels(tmp_path / "b.tif", two_nuclei)
    assert read_provenance(tmp_path / "b.tif") == {}
    (tmp_path / "b.json").write_text('{"software": "beside"}')
    assert read_provenance(tmp_path / "b.tif") == {"software": "beside"}


def test_bad_file_is_named_and_the_rest_are_in(folder, capsys):
    (folder / "c_labels.tif").write_bytes(b"no image")
    assert nucseg("report", folder, "--output", folder / "r.html") == 1
    assert "c_labels.tif" in capsys.readouterr().err
    assert "9 nuclei in 5 images" in (folder / "r.html").read_text(encoding="utf-8")


def test_other_suffix_is_told(folder, capsys):
    assert nucseg("report", folder, "--output", folder / "r.pdf") == 1
    assert "the suffix .html" in capsys.readouterr().err
    with pytest.raises(ValueError, match="Expected images for the report"):
        write_report(folder / "r.html", [])


# Plots and outliers


def test_bars_are_as_high_as_their_values():
    drawn = bars([1, 4, 0], ["a<", "b", "c"], "counts")
    heights = [float(one) for one in re.findall(r'<rect [^>]* height="([\d.]+)"', drawn)]
    assert heights[1] == 4 * heights[0] > 0 == heights[2]
    assert "a&lt;: 1" in drawn


def test_histogram_counts_all_numbers():
    values = np.array([1.0, 2, 2, 3, np.nan])
    drawn = histogram(values, "area")
    counts = [int(one) for one in re.findall(r": (\d+)</title>", drawn)]
    assert sum(counts) == 4
    assert "median 2, n = 4" in drawn
    assert "none" in histogram(np.array([np.nan]), "area")
    assert "n = 3" in histogram(np.ones(3), "area")


def test_distances_from_most():
    values = np.array([10.0, 11, 9, 10, 12, 8, 50, np.nan])
    distances = distances_from_most(values)
    assert distances[6] > 20
    assert np.abs(distances[:6]).max() < 2
    assert distances[7] == 0
    assert not distances_from_most(np.array([1.0, 2, 90])).any()
    assert not distances_from_most(np.array([5.0, 5, 5, 5, 90])).any()


def test_picture_in_the_page_is_the_entry(folder):
    entry = report_entry(folder / "a_labels.tif", folder / "a.tif")
    write_report(folder / "r.html", [entry])
    (source,) = Page((folder / "r.html").read_text(encoding="utf-8")).sources
    assert base64.b64decode(source.partition(",")[2]) == entry.picture
