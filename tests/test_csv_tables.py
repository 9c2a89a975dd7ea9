"""Tables as spreadsheets save them."""

import pytest

from faceloupe.csv_tables import read_table
from faceloupe.errors import InputError

ROWS = [(2, {"photo_a": "a.jpg", "photo_b": "b.jpg", "same": "1"})]


def read(path):
    return list(read_table(path, ("photo_a", "photo_b", "same"), "then pairs"))


@pytest.mark.parametrize(
    "text",
    [
        "photo_a,photo_b,same\na.jpg,b.jpg,1\n",
        "photo_a;photo_b;same\na.jpg;b.jpg;1\n",
        "photo_a\tphoto_b\tsame\na.jpg\tb.jpg\t1\n",
        "Photo_A,PHOTO_B,Same\na.jpg,b.jpg,1\n",
        " photo_a , photo b , same \n a.jpg , b.jpg , 1 \n\n",
        'photo_a;photo_b;same\r\n"a.jpg";"b.jpg";1\r\n;;\r\n',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_separators_capitals_and_encodings(tmp_path, text, encoding):
    path = tmp_path / "pairs.csv"
    path.write_bytes(text.encode(encoding))
    assert read(path) == ROWS


def test_a_spreadsheets_first_line_is_passed_over(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("sep=;\nphoto_a;photo_b;same\na.jpg;b.jpg;1\n")
    assert read(path) == [(3, ROWS[0][1])]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "has no column photo_a, photo_b, same; expected a first line with photo_a,photo_b,same then pairs"),
        (b"photo_a;photo_b\na;b\n", "has no column same"),
        (b"photo_a,photo_b,same\n", "holds only its first line"),
        (b"photo_a,photo_b,same\na,b,1,2\n", "line 2: 4 cells under 3 columns"),
        (b'photo_a,photo_b,same\na,b,1\n"c,d,1\ne,f,1\n', "in the row that begins in line 3; is a quotation mark"),
        (b'photo_a,photo_b,same\n"a,b,1\n"c",d,1\n', "in the row that begins in line 2; is a quotation mark"),
        (
            "photo_a,photo_b,same\né,b,1\n".encode("latin-1"),
            "not a CSV file in UTF-8: .*; save it as UTF-8 .*CSV UTF-8",
        ),
    ],
)
def test_what_is_no_table_is_explained(tmp_path, content, words):
    path = tmp_path / "pairs.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        read(path)
