import pytest

from napari_nucseg.support.text import duration, pluralize, some_of


@pytest.mark.parametrize(
    ("things", "text"), [(0, "0 fields"), (1, "1 field"), ("a", "1 field"), ("ab", "2 fields")]
)
def test_number_and_noun_agree(things, text):
    assert pluralize(things, "field") == text


def test_long_lists_are_cut():
    assert some_of("abcde") == "a, b, c, d, e"
    assert some_of("abcdef") == "a, b, c, d, e, …"


def test_nuclei_have_a_plural_of_their_own():
    assert (pluralize(1), pluralize(2)) == ("1 nucleus", "2 nuclei")


def test_times_are_in_seconds_or_minutes():
    assert [duration(seconds) for seconds in (0.4, 99, 100, 3600)] == [
        "0 s",
        "99 s",
        "2 min",
        "60 min",
    ]
