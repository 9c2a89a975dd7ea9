"""What a training shows of itself (views, history, filters), with a figure of its own and in a notebook.

Also tests ``training/filters.py``, ``training/history.py``, ``training/views.py``.
"""

import numpy as np
import pytest

from faceloupe import page
from faceloupe.errors import InputError
from faceloupe.training import CNN, CNNClassifier, FCNNClassifier, NetworkClassifier, initialise


@pytest.fixture(scope="module")
def model():
    faces = np.random.default_rng(0).random((12, 16, 16), dtype=np.float32)
    return CNNClassifier(preprocess="centre", epochs=3, validation=0.5, seed=3).fit(faces, [0, 1] * 6)


def test_curves_of_a_history_are_its_numbers(model):
    charts = {block["id"]: block for block in page(model.history_)["sections"][0]["blocks"] if block["type"] == "chart"}
    for name in ("loss", "accuracy"):
        training, validation = charts[name]["series"]
        assert training["x"] == validation["x"] == [1, 2, 3]
        assert training["y"] == getattr(model.history_, name).tolist()
        assert validation["y"] == getattr(model.history_, f"validation_{name}").tolist()
    assert len(model.history_.plot().axes) >= 2
    assert "svg" in model.history_._repr_html_()
    assert model.history_.to_document()["validation_loss"] == model.history_.validation_loss.tolist()


def test_a_history_of_no_epochs_shows_its_words():
    faces = np.random.default_rng(0).random((4, 8, 8))
    history = FCNNClassifier(epochs=0).fit(faces, [0, 1] * 2).history_
    assert "no epochs" in history._repr_html_()


def test_filters_are_those_before_and_after_training(model):
    before = initialise(CNN((16, 16)), seed=3).conv.weight.detach().numpy()[:, 0]
    np.testing.assert_array_equal(model.filters_.before, before)
    np.testing.assert_array_equal(model.filters_.after, model.network_.conv.weight.detach().numpy()[:, 0])
    expected = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(before, model.filters_.after, strict=True)]
    np.testing.assert_allclose(model.filters_.correlation, expected)
    assert len(model.filters_.plot().axes) == 4  # two pictures with their scales
    assert "correlation with their random start" in repr(model.filters_)
    with pytest.raises(InputError, match="no convolution"):
        NetworkClassifier("dense 4", epochs=0).fit(np.eye(4), [0, 1, 0, 1]).filters_  # noqa: B018


def test_evaluate_is_the_loss_and_accuracy_that_scikit_learn_finds(model):
    from sklearn.metrics import accuracy_score, log_loss

    faces, subjects = np.random.default_rng(1).random((10, 16, 16)), np.arange(10) % 2
    loss, accuracy = model.evaluate(faces, subjects)
    assert loss == pytest.approx(log_loss(subjects, model.predict_proba(faces)))
    assert accuracy == accuracy_score(subjects, model.predict(faces))
    with pytest.raises(InputError, match="do not"):
        model.evaluate(faces, subjects + 1)


def test_a_summary_counts_what_keras_counts():
    faces = np.random.default_rng(0).random((4, 64, 64))
    assert CNNClassifier(epochs=0).fit(faces, [0, 1] * 2).summary().parameters == 3_405


def test_a_bar_is_shown_where_it_is_asked_for(capsys):
    faces = np.random.default_rng(0).random((4, 8, 8))
    FCNNClassifier(epochs=2).fit(faces, [0, 1] * 2, progress=True)
    assert "100 %" in capsys.readouterr().out


def test_anatomy_and_trace_take_a_classifier_and_its_preprocessing():
    from faceloupe import anatomy, trace

    random = np.random.default_rng(0)
    faces, who = random.random((8, 16, 16), dtype=np.float32), np.arange(8) % 2
    classifier = NetworkClassifier("conv 2 3x3 relu, pool 2, dense 3 relu; preprocess centre", epochs=1, seed=0)
    classifier.fit(faces, who)
    assert str(anatomy(classifier)) == str(anatomy(classifier.network_, (16, 16)))
    by_hand = trace(classifier.network_, classifier.prepare(faces))
    traced = trace(classifier, faces)
    assert list(traced) == list(by_hand)
    for layer in traced:
        np.testing.assert_array_equal(traced[layer], by_hand[layer])


def test_every_display_of_a_training_is_drawn():
    random = np.random.default_rng(0)
    faces, who = random.random((8, 16, 16), dtype=np.float32), np.arange(8) % 2
    classifier = NetworkClassifier("conv 2 3x3 relu, dense 3 relu", epochs=2, seed=0).fit(faces, who)
    for result in (classifier.history_, classifier.filters_):
        assert result.plot().png().startswith(b"\x89PNG")
