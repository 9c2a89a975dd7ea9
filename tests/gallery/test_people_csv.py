"""The table people.csv says whom folders show: read whole, or refused with the line."""

import io
import os
import zipfile

import pytest

from faceloupe.client.archives import archives_of
from faceloupe.errors import InputError
from faceloupe.gallery import list_subjects, open_gallery
from faceloupe.gallery.archives import MAX_TABLE, Archive
from faceloupe.gallery.people_csv import read_people
from helpers.galleries import make_folder, photograph

FLOOR_3 = '"{""floor"": 3}"'
TABLE = f"folder;Name;External ID;metadata\nx1;Ann;E-1;{FLOOR_3}\nx2;Ann;E-2;\nx3;;;\nx4;Ann;E-1;{FLOOR_3}\n"


def archive(*files, **more):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        for name, inside in files:
            packed.writestr(name, inside, **more)
    return Archive(content.getvalue(), 1000)


def whom(subjects):
    return [(each.name, each.external_id, each.metadata, len(each.photographs)) for each in subjects]


def test_folders_show_whom_the_table_says(tmp_path):
    root = make_folder(tmp_path / "people", ["x1", "x2", "x3", "x4", "x5"], 2)
    (root / "people.csv").write_text(TABLE)
    expected = [("Ann", "E-1", {"floor": 3}, 4), ("Ann", "E-2", None, 2), ("x3", None, None, 2)]
    *listed, left_out = list_subjects(root)
    assert whom(listed) == expected
    assert [each.reason for each in left_out.refused] == ["people.csv has no line for this folder"]
    assert left_out.photographs == []
    with open_gallery(tmp_path / "faces.db", create=True) as gallery:
        for each in listed:
            photographs = [photograph(path) for path in each.photographs]
            gallery.enrol(each.name, photographs, external_id=each.external_id, metadata=each.metadata)
        assert [(person.external_id, person.references) for person in gallery.people()] == [
            ("E-1", 4), ("E-2", 2), (None, 2),
        ]  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes among files here")
@pytest.mark.parametrize(
    "make", [lambda path: os.mkfifo(path), lambda path: path.symlink_to("nothing")], ids=["pipe", "broken link"]
)
def test_a_table_that_is_no_file_is_refused_not_passed_over(tmp_path, make):
    root = make_folder(tmp_path / "people", ["x1"], 1)
    make(root / "People.csv")
    for read in (list_subjects, lambda folder: next(archives_of(folder))):
        with pytest.raises(InputError, match=r"People\.csv: expected a CSV file"):
            read(root)


def test_a_table_may_lie_elsewhere_and_a_line_without_a_folder_is_told(tmp_path):
    root = make_folder(tmp_path / "people", ["Zoe\u0308"], 1)  # as macOS spells it
    table = tmp_path / "staff.csv"
    table.write_text("folder,external_id\nZo\u00eb,E-1\nBob,E-2\n", encoding="utf-8")
    zoe, bob = list_subjects(root, table)
    assert whom([zoe, bob]) == [("Zo\u00eb", "E-1", None, 1), ("Bob", None, None, 0)]
    assert bob.refused[0].reason == "there is no folder 'Bob'"
    assert bob.refused[0].path == "staff.csv, line 3"
    with pytest.raises(InputError, match="expected a CSV file"):
        list_subjects(root, tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,external_id\nAnn,E-1\n", "no column folder"),
        (
            "folder,external-id\nx1,E-1\n",
            "has the columns external-id; there may be folder, name",
        ),
        ("folder,name\nx1,Ann\nx1,Bob\n", "line 3: the folder 'x1' is in line 2 already"),
        ("folder,name\n,Ann\n", "line 2: folder: expected the name of a folder"),
        ("folder,name,external_id\nx1,Ann,E-1\nx2,Bob,E-1\n", "line 3: the external id 'E-1' has another name"),
        (
            'folder,name,metadata\nx1,Ann,"{""x"": 1}"\nx2,Ann,"{""y"": 2}"\n',
            "line 3: 'Ann' has other metadata in line 2",
        ),
        ('folder,metadata\nx1,"{\n}"\nx1,\n', "line 4: the folder 'x1' is in line 2 already"),
        ("folder,external_id\nx1,id:E-1\n", "line 2: external id: expected one that does not begin"),
        ("folder,metadata\nx1,[1]\n", "line 2: metadata: expected an object of JSON"),
        ("folder,metadata\nx1,floor 3\n", "line 2: metadata: expected an object that JSON can hold"),
        ("", "no column folder"),
        ("folder\n", "holds only its first line"),
    ],
)
def test_a_table_that_is_not_as_described_is_refused_before_anybody_is_enrolled(text, words, tmp_path):
    with pytest.raises(InputError, match=words):
        read_people(text.encode(), "people.csv")
    root = make_folder(tmp_path / "people", ["x1"], 1)
    (root / "people.csv").write_text(text)
    with pytest.raises(InputError, match=words):
        list_subjects(root)
    with pytest.raises(InputError, match=words):
        archive(("x1/1.jpg", b""), ("people.csv", text))


def test_a_table_is_known_in_whatever_letters_and_folders_without_spaces_around_them(tmp_path):
    root = make_folder(tmp_path / "people", [" x1"], 1)
    (root / "People.CSV").write_text("folder,name,external_id\n x1 ,Ann,E-1\n")
    assert whom(list_subjects(root)) == [("Ann", "E-1", None, 1)]
    [(packed, left_out)] = archives_of(root)
    assert (whom(Archive(packed, 1000).subjects), left_out) == ([("Ann", "E-1", None, 1)], [])
    if not (root / "people.csv").exists():  # as where file systems know no capitals
        (root / "people.csv").write_text("folder\nx1\n")
        with pytest.raises(InputError, match="nobody knows which table is meant"):
            list_subjects(root)


def test_an_archive_s_table_may_lie_above_the_common_folder_and_nowhere_else():
    packed = archive(("People.csv", TABLE), ("photos/x1/1.jpg", b""), ("photos/x5/1.jpg", b""))
    assert whom(packed.subjects) == [("Ann", "E-1", {"floor": 3}, 1)]
    assert [each.path for each in packed.refused] == ["photos/x5/1.jpg"]
    with pytest.raises(InputError, match=r"lists/people\.csv: expected one such table, beside the folders"):
        archive(("lists/people.csv", TABLE), ("photos/x1/1.jpg", b""), ("photos/x2/1.jpg", b""))
    with pytest.raises(InputError, match="expected one such table"):
        archive(("people.csv", TABLE), ("photos/people.csv", TABLE), ("photos/x1/1.jpg", b""))


@pytest.mark.parametrize("around", ["", "team/"])
def test_an_archive_has_its_table_beside_the_folders(around):
    files = [(f"{around}x{number}/1.jpg", b"") for number in (1, 2, 4, 5)]
    packed = archive(*files, (f"{around}people.csv", TABLE), (f"{around}x1/people.csv", "notes"))
    assert whom(packed.subjects) == [("Ann", "E-1", {"floor": 3}, 2), ("Ann", "E-2", None, 1)]
    refused = {each.path.removeprefix(around): each.reason for each in packed.refused}
    assert refused["x5/1.jpg"] == "people.csv has no line for this folder"
    assert refused["x1/people.csv"].startswith("not called like an image")
    assert set(refused) == {"x5/1.jpg", "x1/people.csv"}  # the line of x3, which may be in another archive, is not told


def test_an_archive_whose_table_cannot_be_read_enrols_nobody():
    with pytest.raises(InputError, match=r"people\.csv: it has 1,048,577 bytes"):
        archive(("x1/1.jpg", b""), ("people.csv", bytes(MAX_TABLE + 1)))
    with pytest.warns(UserWarning, match="Duplicate"), pytest.raises(InputError, match="another file of this name"):
        archive(("x1/1.jpg", b""), ("people.csv", TABLE), ("people.csv", TABLE))
