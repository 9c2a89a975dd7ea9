"""A study's folder: whatever moment the writer is stopped at, no trial is lost and none is there twice."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceloupe.documents import write_json
from faceloupe.errors import StudyError
from faceloupe.studies import Trial
from faceloupe.studies.folder import StudyFolder
from faceloupe.studies.plan import Task
from faceloupe.studies.trials import read_csv, write_csv

MANIFEST = {
    "schema_version": 3,
    "plan": {"seeds": 8, "pairs": [[0, 1]]},
    "data": {"source": "made up", "digest": "abc", "note": ""},
    "created": "today",
    "finished": None,
}
TASKS = [Task("pairs", (0, other)) for other in range(1, 5)]


def trials_of(task):
    who = "-".join(map(str, task.people))
    return [
        Trial("pairs", "cnn", "none", who, seed, 5, accuracy=seed / 7, died="hidden 0 1", task=task.key)
        for seed in range(3)
    ]


def undisturbed(path):
    folder = StudyFolder(path)
    folder.begin(MANIFEST, resume=False)
    for task in TASKS:
        folder.add(task, trials_of(task), {})
    folder.finish(TASKS)
    return (path / "trials.csv").read_bytes()


class TestStoppedAtAnyMoment:
    @settings(max_examples=60)
    @given(st.integers(0, 10_000), st.permutations(TASKS))
    def test_going_on_ends_as_if_nothing_had_happened(self, tmp_path_factory, moment, order):
        whole = undisturbed(tmp_path_factory.mktemp("whole") / "study")
        path = tmp_path_factory.mktemp("stopped") / "study"
        folder = StudyFolder(path)
        folder.begin(MANIFEST, resume=False)
        # What reaches the two files, in that order, and the byte at which it stops.
        writes = [
            (path / name, text.encode())
            for task in order
            for name, text in (
                ("trials.csv", write_csv(trials_of(task), header=False)),
                ("tasks.done", task.key + "\n"),
            )
        ]
        left = moment % (sum(len(text) for _, text in writes) + 1)
        for file, text in writes:
            with file.open("ab") as opened:
                opened.write(text[:left])
            left = max(0, left - len(text))
        again = StudyFolder(path)
        again.begin(MANIFEST, resume=True)
        for task in TASKS:
            if task.key not in again.finished_tasks():
                again.add(task, trials_of(task), {})
        again.finish(TASKS)
        assert (path / "trials.csv").read_bytes() == whole

    @pytest.mark.parametrize("kept", [[], ["tasks.done"], ["tasks.done", "trials.csv"], [".trials.csv.x7"]])
    def test_a_start_that_was_cut_off_can_be_made_again(self, tmp_path, kept):
        path = tmp_path / "study"
        StudyFolder(path).begin(MANIFEST, resume=False)
        (path / ".trials.csv.x7").write_text("experi")  # half a file on its way
        for file in list(path.iterdir()):
            if file.name not in kept:
                file.unlink()
        StudyFolder(path).begin(MANIFEST, resume=True)
        assert StudyFolder(path).finished_tasks() == set()

    def test_rows_of_an_unfinished_task_are_not_counted(self, tmp_path):
        folder = StudyFolder(tmp_path / "study")
        folder.begin(MANIFEST, resume=False)
        folder.add(TASKS[0], trials_of(TASKS[0]), {})
        with (tmp_path / "study" / "trials.csv").open("a") as file:
            file.write(write_csv(trials_of(TASKS[1]), header=False))
        assert {trial.task for trial in folder.trials()} == {TASKS[0].key}
        folder.begin(MANIFEST, resume=True)
        assert len(read_csv((tmp_path / "study" / "trials.csv").read_text())) == 3

    def test_a_torn_line_of_a_finished_task_is_no_finished_task(self, tmp_path):
        folder = StudyFolder(tmp_path / "study")
        folder.begin(MANIFEST, resume=False)
        with (tmp_path / "study" / "tasks.done").open("a") as file:
            file.write("pairs:0-1\npairs:0-1")  # of pairs:0-12
        assert folder.finished_tasks() == {"pairs:0-1"}


class TestWhatIsInTheFolder:
    def test_a_study_is_not_written_over(self, tmp_path):
        StudyFolder(tmp_path / "study").begin(MANIFEST, resume=False)
        with pytest.raises(StudyError, match=r"already holds a study.*--resume.*--out"):
            StudyFolder(tmp_path / "study").begin(MANIFEST, resume=False)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"plan": {"seeds": 4, "pairs": [[0, 1]]}}, r"its plan differs \(there seeds 8, asked for 4\)"),
            (
                {"data": {"source": "made up", "digest": "xyz", "note": ""}},
                r"data differs \(there digest 'abc', asked for",
            ),
            ({"schema_version": 4}, r"schema_version differs \(there 3, asked for 4\)"),
            ({"plan": {"seeds": 8, "pairs": [[0, 1]], "more": 1}}, "there more None, asked for 1"),
            ({"plan": {"seeds": 8}}, "there pairs"),
        ],
    )
    def test_another_study_is_refused_and_the_difference_named(self, tmp_path, change, words):
        StudyFolder(tmp_path / "study").begin(MANIFEST, resume=False)
        with pytest.raises(StudyError, match=words):
            StudyFolder(tmp_path / "study").begin(MANIFEST | change, resume=True)

    def test_what_changes_no_number_is_no_difference_and_the_first_manifest_stays(self, tmp_path):
        StudyFolder(tmp_path / "study").begin(MANIFEST, resume=False)
        later = MANIFEST | {"created": "tomorrow", "data": MANIFEST["data"] | {"note": "another"}}
        assert StudyFolder(tmp_path / "study").begin(later, resume=True) == MANIFEST

    @pytest.mark.parametrize(
        ("name", "content"),
        [("letters.txt", "Dear"), ("trials.csv", "mine,own\n1,2\n"), ("tasks.done", "pairs:0-1\n"), ("photos", None)],
    )
    def test_a_strangers_files_are_left_alone(self, tmp_path, name, content):
        file = tmp_path / name
        if content is None:
            file.mkdir()
        else:
            file.write_text(content)
        with pytest.raises(StudyError, match=rf"holds '{name}'.*no study; choose another folder"):
            StudyFolder(tmp_path).begin(MANIFEST, resume=True)
        assert [item.name for item in tmp_path.iterdir()] == [name]
        assert content is None or file.read_text() == content

    def test_hidden_files_are_in_nobodys_way(self, tmp_path):
        (tmp_path / ".DS_Store").write_text("x")
        StudyFolder(tmp_path).begin(MANIFEST, resume=False)
        assert (tmp_path / ".DS_Store").read_text() == "x"

    def test_a_manifest_that_is_no_json(self, tmp_path):
        (tmp_path / "manifest.json").write_text("{")
        with pytest.raises(StudyError, match=r"manifest\.json is not a JSON document"):
            StudyFolder(tmp_path).begin(MANIFEST, resume=True)

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("manifest.json", b"[]"), ("manifest.json", b'{"schema_version": [2]}'), ("manifest.json", b"\xff\xfe"),
            ("tasks.done", b"\xff\n"), ("trials.csv", b"\xff\n"), ("trials.csv", b'"' + b"a" * 200_000 + b'"\n'),
            ("trials.csv", None), ("tasks.done", "a pipe"), ("trials.csv", "a pipe"),
            ("trials.csv", write_csv(trials_of(TASKS[0]), header=True).replace(",0,", ",x,").encode()),
        ],
    )  # fmt: skip
    def test_a_damaged_file_is_told(self, tmp_path, name, content):
        undisturbed(tmp_path)
        (tmp_path / name).unlink()
        if content == "a pipe":
            os.mkfifo(tmp_path / name)
        elif content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(StudyError, match=r"is damaged|another version|columns"):
            StudyFolder(tmp_path).begin(MANIFEST, resume=True)

    def test_a_pipe_in_place_of_a_leftover_is_not_read(self, tmp_path):
        os.mkfifo(tmp_path / "trials.csv")
        with pytest.raises(StudyError, match="holds no study"):
            StudyFolder(tmp_path).begin(MANIFEST, resume=False)


class TestWhereNothingCanBeWritten:
    def test_below_a_file(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(StudyError, match="cannot be written to"):
            StudyFolder(tmp_path / "file" / "study").begin(MANIFEST, resume=False)

    @pytest.mark.skipif(sys.platform != "linux", reason="/proc takes no folder from anybody, root included")
    def test_in_a_file_system_that_takes_nothing(self):
        with pytest.raises(StudyError, match="/proc/study"):
            StudyFolder(Path("/proc/study")).begin(MANIFEST, resume=False)

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write to read-only folders")
    def test_in_a_read_only_folder(self, tmp_path):
        tmp_path.chmod(0o500)
        with pytest.raises(StudyError, match="cannot be written to"):
            StudyFolder(tmp_path / "study").begin(MANIFEST, resume=False)
        tmp_path.chmod(0o700)


class TestTheLock:
    def test_a_second_process_is_refused_and_the_first_goes_on(self, tmp_path):
        code = (
            "import sys; from pathlib import Path; from faceloupe.studies.folder import StudyFolder\n"
            "with StudyFolder(Path(sys.argv[1])).locked(): print('mine', flush=True); sys.stdin.read()"
        )
        command = [sys.executable, "-c", code, str(tmp_path / "study")]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
            assert first.stdout.readline() == "mine\n"
            with (
                pytest.raises(StudyError, match="Another process works on the study"),
                StudyFolder(tmp_path / "study").locked(),
            ):
                pass
            with pytest.raises(StudyError, match="Another process works on the study"):
                StudyFolder(tmp_path / "study").erase()
            assert (tmp_path / "study").is_dir()
            first.kill()
        with StudyFolder(tmp_path / "study").locked():  # the system gave it free
            StudyFolder(tmp_path / "study").begin(MANIFEST, resume=False)

    def test_an_erased_study_leaves_nothing(self, tmp_path):
        folder = StudyFolder(tmp_path / "study")
        folder.begin(MANIFEST, resume=False)
        (folder.path / "more").mkdir()
        (folder.path / "more" / "file").write_text("put here by somebody")
        folder.erase()
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has other rights")
    def test_its_folder_is_the_owners_alone(self, tmp_path):
        StudyFolder(tmp_path / "begun").begin(MANIFEST, resume=False)
        with StudyFolder(tmp_path / "locked").locked():
            pass
        assert [folder.stat().st_mode & 0o777 for folder in tmp_path.iterdir()] == [0o700, 0o700]

    def test_what_the_page_shows_is_for_the_owners_eyes_only(self, tmp_path):
        folder = StudyFolder(tmp_path / "study")
        folder.begin(MANIFEST, resume=False)
        folder.add(Task("tutorial", (0, 1)), [], {"faces": np.zeros((1, 2, 2), np.uint8)})
        assert (tmp_path / "study" / "tutorial.safetensors").stat().st_mode & 0o077 == 0

    def test_a_study_is_finished_when_all_is_there(self, tmp_path):
        folder = StudyFolder(tmp_path / "study")
        folder.begin(MANIFEST, resume=False)
        folder.add(TASKS[0], trials_of(TASKS[0]), {})
        assert folder.manifest()["finished"] is None
        trials, manifest = folder.finish(TASKS)
        assert (len(trials), folder.manifest()) == (3, manifest)
        assert manifest["finished"]

    def test_a_study_of_another_version_is_named(self, tmp_path):
        write_json(tmp_path / "manifest.json", {"schema_version": 1})
        with pytest.raises(StudyError, match="made by another version"):
            StudyFolder(tmp_path).manifest()
