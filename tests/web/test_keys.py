"""Keys: tokens that open, of which only the hash is kept."""

import json
import secrets
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from faceloupe.errors import InputError
from faceloupe.web.keys import SCOPES, add_key, check_token, find_key, key_of, new_token, read_keys


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
            "expected scopes of look, recognise, enrol, remove, admin, got rule",
        ),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, content, words):
    path = tmp_path / "keys.json"
    path.write_text(content)
    with pytest.raises(InputError, match=words):
        read_keys(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ["a"]}, "name: expected"), ({"name": "a\nb"}, "name: expected"), ({"name": ""}, "name: expected"),
        ({"name": "a" * 300}, "name: expected"), ({"sha256": 7}, "SHA-256"), ({"scopes": [["look"]]}, "of look, rec"),
        ({"scopes": "look"}, "of look, rec"), ({"per_minute": "9"}, "1 request"), ({"per_minute": True}, "1 request"),
        ({"more": 1}, "not a file of keys"), ({"scopes": 7}, "not a file of keys"),
    ],
)  # fmt: skip
def test_an_entry_of_another_kind_is_named_and_no_fault(tmp_path, changes, words):
    path = tmp_path / "keys.json"
    entry = {"name": "door", "sha256": "0" * 64, "scopes": ["look"], **changes}
    path.write_text(json.dumps({"format": "faceloupe-keys", "keys": [entry]}))
    path.chmod(0o600)
    with pytest.raises(InputError, match=words):
        read_keys(path)


def test_a_deep_file_is_refused(tmp_path):
    path = tmp_path / "keys.json"
    path.write_text("[" * 100_000)
    with pytest.raises(InputError, match="deep"):
        read_keys(path)


def test_keys_that_are_made_at_once_are_all_kept(tmp_path):
    path = tmp_path / "keys.json"
    with ThreadPoolExecutor(8) as threads:
        tokens = list(threads.map(lambda number: add_key(path, f"key {number}", ["look"]), range(24)))
    keys = read_keys(path)
    assert [find_key(keys, token).name for token in tokens] == [f"key {number}" for number in range(24)]


def test_a_file_from_before_a_scope_was_added_is_still_read(tmp_path):
    path = tmp_path / "keys.json"
    entry = {"name": "desk", "sha256": "0" * 64, "scopes": ["enrol", "admin"], "per_minute": 60}
    path.write_text(json.dumps({"format": "faceloupe-keys", "keys": [entry]}))
    path.chmod(0o600)
    assert all(read_keys(path)[0].allows(scope) for scope in SCOPES)


WEAK = [
    "x" * 40, "0123456789" * 4, "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm", "password" * 5,
    "passwordpassword1234", "letmein-letmein-letmein", "changemechangemechangeme", "adminadminadminadminadmin",
    "aaaaaaaaaabbbbbbbbbbcccccccccc", "short-1x", "secretsecretsecretsecret", "zyxwvutsrqponmlkjihgfedcba", "",
    "12345678901234567890", "a token with spaces in it 93kdi2", "tökenkdiw93kd02ksow93kd",
]  # fmt: skip


@pytest.mark.parametrize("token", WEAK)
def test_a_token_that_could_be_guessed_is_refused(token):
    with pytest.raises(InputError, match="token"):
        check_token(token)


def test_tokens_by_chance_are_taken():
    for _ in range(300):
        check_token(new_token())
        check_token(secrets.token_hex(16))
        check_token(secrets.token_urlsafe(15))


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
