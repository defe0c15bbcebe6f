"""Where people say they are: old names first, districts as candidates, nothing picked that could be elsewhere."""

from __future__ import annotations

import pytest

from bot.book import Book
from bot.place import place_of
from flows.hear.normal import fold
from referral.places.find import communes, find
from referral.places.table import BadTable, Table, nearest, read_table, words_of

LONGEST_MESSAGE = 4_096


def named(book: Book, text: str, *, asked: bool = False) -> tuple[str, int]:
    """Province (empty: none, or several) and how many communes it may be."""
    found = find(book.places, words_of(text), asked=asked)
    if found is None:
        return "", 0
    return (next(iter(found.provinces)) if len(found.provinces) == 1 else ""), len(communes(book.places, found))


def test_the_table_is_whole(book: Book):
    kinds = [kind for kind, _ in book.places.units]
    assert {kind: kinds.count(kind) for kind in "pcPDC"} == {"p": 34, "c": 3321, "P": 63, "D": 696, "C": 10035}
    provinces = {code for kind, code in book.places.units if kind == "p"}
    assert provinces == set(book.referral.provinces)


def test_every_old_commune_has_become_one_in_the_province_that_its_old_one_became(book: Book):
    for (kind, _), unit in book.places.units.items():
        if kind == "C":
            old = book.places.above(unit)[-1]
            assert book.places.province_of(unit) <= book.places.province_of(old), unit


# The five examples on which other libraries were tried, and their ways of writing.
@pytest.mark.parametrize(
    ("said", "province"),
    [
        ("Bắc Quang, Hà Giang", "08"), ("bac quang ha giang", "08"), ("Tuần Giáo, Điện Biên", "11"),
        ("Lộc Bình, Lạng Sơn", "20"), ("loc binh lang son", "20"), ("Đông Hưng, Thái Bình", "33"),
        ("xã Tân Bắc, Quang Bình, Hà Giang", "08"), ("x. Tân Bắc h. Quang Bình", "08"), ("Hà Giang, huyện Bắc Quang", "08"),
        ("xa loc bin lang son", "20"), ("huyện Lộc Bình", "20"), ("em ở Mèo Vạc", "08"), ("q1 tphcm", "79"),
        ("phường 5 quận Gò Vấp", "79"), ("phường 5, q. Gò Vấp, Sài Gòn", "79"), ("ap 3 xa my hanh nam h duc hoa long an", "80"),
        ("huyện Côn Đảo", "79"), ("phường Long Hương, Bà Rịa", "79"), ("xã Phước Hưng, tỉnh Bà Rịa - Vũng Tàu", "79"),
        ("chợ Bến Thành, quận 1, Sài Gòn", "79"), ("xã Hoà Tiến, Đà Nẵng", "48"), ("xã Ea H'Leo, Đắk Lắk", "66"),
    ],
)  # fmt: skip
def test_a_place_is_found_however_it_is_written(book: Book, said: str, province: str):
    assert named(book, said) == (province, named(book, said)[1])
    assert named(book, said)[1]


@pytest.mark.parametrize(
    "said",
    [
        "em bị nhốt ở xã hội đen", "quan trong la em muon ve", "cho em hòa bình", "ở quán ăn xa nhà", "em đi về nhà",
        "phuong tien di lai", "tinh hinh la em so lam", "xa nha lau roi", "anh Bình An bảo em đi", "chị Thanh Hà với chị Thu",
    ],
)  # fmt: skip
def test_words_and_people_are_no_places(book: Book, said: str):
    assert find(book.places, words_of(said)) is None


def test_a_district_is_not_one_of_its_communes(book: Book):
    assert named(book, "huyện Bắc Quang, Hà Giang") == ("08", 8)
    assert named(book, "huyện Lộc Bình") == ("20", 7)


def test_a_name_that_is_in_many_provinces_is_no_province(book: Book):
    province, some = named(book, "Tân An", asked=True)
    assert province == ""
    assert some > 1
    assert named(book, "Tân An", asked=False) == ("", 0)


def test_a_name_with_other_marks_is_another_place(book: Book):
    assert named(book, "huyện Lộc Bỉnh") == ("", 0)


# --------------------------------------------------------------------------------------------- with the lists of places


@pytest.mark.parametrize(
    ("said", "country", "province"),
    [
        ("em ở Đông Hưng, Thái Bình", "VN", "33"),
        ("em bị đưa sang Đông Hưng", "CN", ""),
        ("quê em ở huyện Lộc Bình Lạng Sơn, giờ em ở Bavet", "KH", ""),
        ("họ giữ em ở xã Tân Thanh, huyện Văn Lãng", "VN", "20"),
        ("em ở Hà Giang", "VN", "08"),
    ],
)
def test_a_place_abroad_goes_first_and_a_name_here_is_none_abroad(book: Book, said: str, country: str, province: str):
    place = place_of(book, said)
    assert place is not None
    assert (place.country, place.province) == (country, province)


@pytest.mark.parametrize("marks", [True, False])
def test_a_provinces_own_name_as_the_answer_is_that_province(book: Book, marks: bool):
    """Communes elsewhere are called the same; whoever answers "Lạng Sơn" means the province, and its police must hear of it."""
    for code, name in book.referral.provinces.items():
        said = name if marks else fold(name)
        place = place_of(book, said, asked=True)
        assert (place.province if place else "") == code, said


def test_a_long_message_of_names_is_read_to_its_end(book: Book):
    said = "xã Tân Bắc huyện Quang Bình " * (LONGEST_MESSAGE // 28)
    assert place_of(book, said) is not None


# --------------------------------------------------------------------------------------------------- a point on the map


def test_a_point_is_near_some_communes_and_in_none(book: Book):
    units = [unit for unit, _ in nearest(book.places, 21.76, 106.91)]
    assert units[0].name == "Xã Lộc Bình"
    assert all(unit.of == "20" for unit in units)
    kilometres = [km for _, km in nearest(book.places, 21.76, 106.91)]
    assert kilometres == sorted(kilometres)


# ------------------------------------------------------------------------------------------------------- a broken table


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("p\t01\tHà Nội\n", "line 1"),
        ("c\t00004\tPhường Ba Đình\t01\t\t\t\n", "is in p 01"),
        ("p\t01\tHà Nội\t\t\t\t\nP\t01\tHà Nội\t\t02\t\t\n", "became ['02']"),
    ],
)
def test_a_broken_table_is_refused_with_its_line(text: str, wrong: str):
    with pytest.raises(BadTable, match=wrong.replace("[", r"\[").replace("]", r"\]")):
        read_table(text)


def test_a_spoken_name_must_be_a_unit():
    with pytest.raises(BadTable, match=r"spoken\.tsv"):
        read_table("p\t01\tHà Nội\t\t\t\t\n", "sài gòn\tP\t79\n")


def test_a_table_without_middles_knows_no_point():
    table: Table = read_table("p\t01\tHà Nội\t\t\t\t\nc\t00004\tPhường Ba Đình\t01\t\t\t\n")
    assert nearest(table, 21.0, 105.8) == ()
