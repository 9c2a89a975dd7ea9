"""Running a study: the same numbers however it is run, stopped and taken up again."""

import os
import shutil
import signal
import threading
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import gettempdir

import joblib
import numpy as np
import pytest
import torch

from faceloupe.cluster import on_cluster
from faceloupe.documents import read_json
from faceloupe.errors import StudyError
from faceloupe.faces import FaceSet
from faceloupe.pages import page
from faceloupe.studies import Trials, make_plan, open_study, run_study, study
from faceloupe.studies.experiments import cost, run_task, tasks_of
from faceloupe.studies.folder import StudyFolder
from faceloupe.studies.run import carry_out, describe, estimate_seconds
from faceloupe.studies.trials import read_csv, write_csv
from helpers.waiting import BOUND

OPTIONS = {"pairs": 2, "seeds": 2, "epochs": 2}


def small_faces():
    """Importable, for the processes below."""
    rng = np.random.default_rng(0)
    images = rng.random((18, 17, 17)).astype(np.float32)
    return FaceSet(images, np.repeat([0, 1, 2], 6), ["a", "b", "c"], [str(i) for i in range(18)], "made up", "CC0")


def numbers(trials):
    """Everything but the clock, as it is written."""
    return write_csv((replace(trial, seconds=0.0) for trial in trials), header=True)


def small_plan(**more):
    """Every experiment: 21 tasks."""
    plan = make_plan(small_faces(), **OPTIONS | more)
    return replace(plan, learning_pairs=1, splits=3, network_splits=1, deep_splits=0, filter_fits=1)


def run(folder, **more):
    return run_study(small_plan(), small_faces(), folder, **({"n_jobs": 1} | more))


def run_and_tell(folder, told):
    """Tell how much is done, and stop just before the end: whoever is to be killed must not have finished."""
    torch.set_num_threads(1)

    def tell(worked, whole):
        told.send(worked / whole)
        if worked > 0.95 * whole:
            threading.Event().wait()

    run(folder, resume=True, progress=tell)


def stop_after(reports):
    """A progress that is a user who presses Ctrl-C."""
    calls = iter(range(10_000))

    def progress(worked, whole):  # noqa: ARG001
        if next(calls) == reports:
            raise KeyboardInterrupt

    return progress


@pytest.fixture(scope="module")
def told():
    """What the undisturbed study told of its progress."""
    return []


@pytest.fixture(scope="module")
def undisturbed(told, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed") / "study"
    return run(folder, command="faceloupe study", progress=lambda worked, whole: told.append((worked, whole)))


@pytest.fixture(scope="module")
def forks():
    """Processes that start at once, from one that has the libraries loaded."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["faceloupe.studies", "sklearn.svm", "torch._dynamo"])
    return context


def test_workers_get_the_faces_without_a_file(make_faces, tmp_path):
    """A file would stay where the whole group of processes is killed, as when a server's job is stopped."""
    places = ("/dev/shm", gettempdir(), os.environ.get("JOBLIB_TEMP_FOLDER", gettempdir()))  # noqa: S108 - joblib's
    files = []

    def look(worked, whole):  # noqa: ARG001
        for place in set(places):
            files.extend(Path(place).glob(f"joblib_memmapping_folder_{os.getpid()}_*/*"))

    faces = make_faces(subjects=2, captures=34, shape=(64, 64))
    assert faces.images.nbytes > 2**20, "joblib would write them to a file"
    plan = make_plan(faces, **OPTIONS | {"pairs": 1})
    # Two tasks that end, so that these workers serve the next tests: others take seconds to load PyTorch.
    tasks = sorted(tasks_of(plan), key=partial(cost, plan))[:2]
    carry_out(
        tasks, partial(run_task, plan, faces), StudyFolder(tmp_path / "study"), describe(plan, faces, "", "", None),
        resume=False, n_jobs=2, progress=look,
    )  # fmt: skip
    assert files == []


class TestTheSameNumbers:
    def test_on_two_cores(self, undisturbed, tmp_path):
        assert numbers(run(tmp_path / "study", n_jobs=2).trials) == numbers(undisturbed.trials)

    def test_in_threads_by_the_callers_configuration(self, undisturbed, tmp_path):
        threads = torch.get_num_threads()
        with joblib.parallel_config(backend="threading"):
            found = run(tmp_path / "study", n_jobs=2)
        assert numbers(found.trials) == numbers(undisturbed.trials)
        assert torch.get_num_threads() == threads

    def test_on_a_backend_that_gives_results_back_all_together(self, undisturbed, tmp_path):
        """As Ray's does, which knows no unordered generator."""

        class AllTogether(joblib.parallel.ThreadingBackend):
            supports_return_generator = False

        joblib.register_parallel_backend("all together", AllTogether)
        with joblib.parallel_config(backend="all together"):
            found = run(tmp_path / "study", n_jobs=2)
        assert numbers(found.trials) == numbers(undisturbed.trials)

    def test_on_two_workers_of_dask(self, undisturbed, tmp_path):
        # In this process: in two of their own, the numbers are the same and loading PyTorch takes a minute.
        distributed = pytest.importorskip("distributed")
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, dashboard_address=":0", processes=False
            ) as cluster,
            on_cluster(cluster.scheduler_address),
        ):
            found = run(tmp_path / "study")
        assert numbers(found.trials) == numbers(undisturbed.trials)

    def test_in_the_file_as_in_memory(self, undisturbed):
        assert numbers(read_csv((undisturbed.folder / "trials.csv").read_text())) == numbers(undisturbed.trials)

    def test_in_the_order_of_the_tasks(self, undisturbed):
        assert undisturbed.trials.values("task") == [task.key for task in tasks_of(undisturbed.plan)]

    def test_another_seed_gives_others(self, undisturbed, tmp_path):
        other = run_study(small_plan(seed=1), small_faces(), tmp_path / "study", n_jobs=1)
        assert numbers(other.trials) != numbers(undisturbed.trials)


class TestStoppedAndTakenUp:
    @pytest.mark.parametrize(
        ("share_done", "number"),
        [(0.0, signal.SIGKILL), (0.5, signal.SIGINT), (0.9, signal.SIGKILL)],
    )
    def test_killed(self, undisturbed, forks, tmp_path, share_done, number):
        receiver, sender = forks.Pipe(duplex=False)
        victim = forks.Process(target=run_and_tell, args=(tmp_path / "study", sender))
        victim.start()
        sender.close()
        while receiver.recv() < share_done:
            pass
        os.kill(victim.pid, number)
        victim.join(BOUND)
        victim.kill()  # if it has not ended
        victim.join()
        assert victim.exitcode == (1 if number == signal.SIGINT else -number)
        found = run(tmp_path / "study", resume=True)
        assert numbers(found.trials) == numbers(undisturbed.trials)
        assert numbers(read_csv((tmp_path / "study" / "trials.csv").read_text())) == numbers(undisturbed.trials)

    def test_killed_again_and_again(self, undisturbed, forks, tmp_path):
        for _ in range(4):
            receiver, sender = forks.Pipe(duplex=False)
            victim = forks.Process(target=run_and_tell, args=(tmp_path / "study", sender))
            victim.start()
            sender.close()
            share = first = receiver.recv()  # there may be no second one: almost all was done in an earlier round
            while share < min(first + 0.1, 0.95):
                share = receiver.recv()
            victim.kill()
            victim.join()
        assert numbers(run(tmp_path / "study", resume=True).trials) == numbers(undisturbed.trials)

    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_ctrl_c_keeps_what_was_measured(self, undisturbed, tmp_path, n_jobs):
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "study", n_jobs=n_jobs, progress=stop_after(10))
        assert (tmp_path / "study" / "tasks.done").read_text().count("\n") == 10
        assert numbers(run(tmp_path / "study", resume=True).trials) == numbers(undisturbed.trials)

    def test_what_is_done_is_not_done_again(self, undisturbed, tmp_path, monkeypatch):
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "study", progress=stop_after(15))
        finished = set((tmp_path / "study" / "tasks.done").read_text().split())
        done_now = []
        from faceloupe.studies import run as module

        honest = module.run_task
        monkeypatch.setattr(module, "run_task", lambda *given: done_now.append(given[2].key) or honest(*given))
        run(tmp_path / "study", resume=True)
        assert len(finished) == 15
        assert sorted([*finished, *done_now]) == sorted(task.key for task in tasks_of(undisturbed.plan))

    def test_a_finished_study_is_only_read(self, undisturbed, tmp_path):
        shutil.copytree(undisturbed.folder, tmp_path / "study")
        before = (undisturbed.folder / "trials.csv").read_bytes()
        again = run(tmp_path / "study", resume=True)
        assert write_csv(again.trials, header=True) == write_csv(Trials(read_csv(before.decode())), header=True)
        assert (again.folder / "trials.csv").read_bytes() == before
        assert again.manifest == undisturbed.manifest

    def test_another_plan_or_other_faces_are_refused(self, undisturbed):
        with pytest.raises(StudyError, match=r"plan differs \(there epochs 2, asked for 3\)"):
            run_study(small_plan(epochs=3), small_faces(), undisturbed.folder, resume=True)
        with pytest.raises(StudyError, match="data differs"):
            run_study(small_plan(), small_faces().select([0, 2, 1]), undisturbed.folder, resume=True)
        with pytest.raises(StudyError, match="already holds a study"):
            run(undisturbed.folder)


class TestOpening:
    def test_an_opened_study_is_the_one_that_was_run_and_trains_nothing(self, undisturbed, monkeypatch):
        monkeypatch.setattr("faceloupe.studies.fits.fit_many", None)
        opened = open_study(undisturbed.folder)
        assert (opened.plan, opened.manifest) == (undisturbed.plan, undisturbed.manifest)
        assert numbers(opened.trials) == numbers(undisturbed.trials)
        assert opened.to_document() == undisturbed.to_document()
        assert page(opened, show_faces=True) == page(undisturbed, show_faces=True)

    def test_what_is_no_finished_study_is_refused(self, undisturbed, tmp_path):
        with pytest.raises(StudyError, match="holds no study"):
            open_study(tmp_path)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "begun", progress=stop_after(5))
        with pytest.raises(StudyError, match="is not finished"):
            open_study(tmp_path / "begun")
        shutil.copytree(undisturbed.folder, tmp_path / "torn")
        (tmp_path / "torn" / "tutorial.safetensors").write_bytes(b"torn")
        with pytest.raises(StudyError, match="cannot be read"):
            open_study(tmp_path / "torn")


class TestProgress:
    @pytest.mark.usefixtures("undisturbed")
    def test_from_nothing_to_everything_and_never_back(self, told):
        worked, whole = np.array(told).T
        assert worked[0] == 0
        assert worked[-1] == pytest.approx(whole[-1])
        assert (np.diff(worked) > 0).all()
        assert len(set(whole)) == 1

    def test_it_begins_where_the_study_was(self, tmp_path):
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "study", progress=stop_after(10))
        told = []
        run(tmp_path / "study", resume=True, progress=lambda worked, whole: told.append(worked / whole))
        assert 0 < told[0] < 1
        assert told[-1] == pytest.approx(1)


class TestTheRecord:
    def test_the_manifest_says_what_somebody_who_doubts_would_ask(self, undisturbed):
        manifest = read_json(undisturbed.folder / "manifest.json")
        assert manifest == undisturbed.manifest
        assert manifest["command"] == "faceloupe study"
        assert manifest["plan"] == undisturbed.plan.to_document()
        assert manifest["data"]["digest"] == small_faces().digest
        assert manifest["data"]["shape"] == [17, 17]
        assert manifest["versions"]["torch"] == torch.__version__

    def test_what_was_asked_is_kept_for_who_asked(self, tmp_path):
        found = run(tmp_path / "study", asked={"data": "made up"})
        assert found.manifest["asked"] == {"data": "made up"}

    def test_the_repr_says_how_much_and_where(self, undisturbed):
        count, folder = len(undisturbed.trials), undisturbed.folder
        assert repr(undisturbed) == f"Study({count:,} trials, 2 pairs × 2 seeds, in {folder})"

    def test_study_is_plan_and_run_in_one(self, tmp_path, monkeypatch):
        given = []
        monkeypatch.setattr("faceloupe.studies.run.run_study", lambda *args, **more: given.append((args, more)))
        faces = small_faces()
        study(faces, tmp_path / "study", n_jobs=1, **OPTIONS)
        ((plan, chosen, folder), more) = given[0]
        assert (plan, chosen, folder) == (make_plan(faces, **OPTIONS), faces, tmp_path / "study")
        assert more == {"resume": False, "n_jobs": 1, "progress": None}

    def test_an_estimate_is_a_time(self):
        faces = small_faces()
        one, many = (
            estimate_seconds(make_plan(faces, **OPTIONS, full=full), faces, n_jobs=1) for full in (False, True)
        )
        assert 0 < one < many
