"""Keys: tokens that open, of which only the hash is kept."""

import stat

import pytest

from faceloupe.errors import InputError
from faceloupe.web.keys import add_key, find_key, key_of, new_token, read_keys


def test_a_token_opens_its_key_and_no_other(tmp_path):
    path = tmp_path / "keys.json"
    tokens = {name: add_key(path, name, [scope]) for name, scope in (("door", "recognise"), ("desk", "enrol"))}
    keys = read_keys(path)
    assert {name: find_key(keys, token).name for name, token in tokens.items()} == {"door": "door", "desk": "desk"}
    assert find_key(keys, new_token()) is None
    assert find_key(keys, "") is None


def test_the_file_holds_no_token_and_only_its_owner_may_touch_it(tmp_path):
    path = tmp_path / "keys.json"
    token = add_key(path, "door", ["recognise"])
    assert token not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert token not in repr(read_keys(path))


def test_scopes():
    assert key_of("t", name="door", scopes=["recognise"]).allows("recognise")
    assert not key_of("t", name="door", scopes=["recognise"]).allows("enrol")
    assert key_of("t", name="chief").allows("look")  # admin is all


def test_tokens_are_long_and_differ():
    assert len({new_token() for _ in range(100)}) == 100
    assert len(new_token()) >= 43  # 256 bits, 6 a character


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not a JSON document"),
        ("[]", "not a file of keys"),
        ('{"format": "other", "keys": []}', "not a file of keys"),
        ('{"format": "faceloupe-keys", "keys": [{"name": "a"}]}', "not a file of keys"),
        (
            '{"format": "faceloupe-keys", "keys": [{"name": "a", "sha256": "12", "scopes": ["look"]}]}',
            "64 hexadecimal digits",
        ),
        (
            f'{{"format": "faceloupe-keys", "keys": [{{"name": "a", "sha256": "{"0" * 64}", "scopes": ["rule"]}}]}}',
            "expected scopes of look, recognise, enrol, admin, got rule",
        ),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, content, words):
    path = tmp_path / "keys.json"
    path.write_text(content)
    with pytest.raises(InputError, match=words):
        read_keys(path)


def test_a_file_that_others_may_write_is_refused(tmp_path):
    path = tmp_path / "keys.json"
    add_key(path, "door", ["look"])
    path.chmod(0o666)
    with pytest.raises(InputError, match="chmod 600"):
        read_keys(path)


def test_no_file_and_a_name_twice(tmp_path):
    path = tmp_path / "keys.json"
    with pytest.raises(InputError, match="faceloupe key"):
        read_keys(path)
    add_key(path, "door", ["look"])
    with pytest.raises(InputError, match="already"):
        add_key(path, "door", ["look"])
