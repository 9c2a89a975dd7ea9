"""Every embedder takes the same chips; our own networks give what their last linear layer reads."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.preprocessing import FunctionTransformer

from faceloupe.embedders import ClassifierEmbedder, EstimatorEmbedder, grey_faces, open_embedder
from faceloupe.errors import InputError
from faceloupe.training import CNNClassifier, DeepCNNClassifier, FCNNClassifier

rng = np.random.default_rng(0)
FACES = rng.random((6, 32, 32)).astype(np.float32)
CHIPS = rng.random((5, 112, 112, 3)).astype(np.float32)


def fitted(kind, **parameters):
    return kind(epochs=1, batch_size=3, **parameters).fit(FACES, [0, 1, 2] * 2)


@pytest.mark.parametrize("kind", [FCNNClassifier, CNNClassifier])
def test_the_vector_is_what_the_last_linear_layer_reads(kind):
    classifier = fitted(kind, preprocess="standardise", hidden=7)
    read = []
    hook = classifier.network_.output.register_forward_pre_hook(lambda _, inputs: read.append(inputs[0]))
    grey = grey_faces(CHIPS, (32, 32))
    with torch.no_grad():
        classifier.network_(torch.from_numpy(classifier.preprocessing_.apply(grey))[:, None])
    hook.remove()
    vectors = ClassifierEmbedder(classifier).embed(CHIPS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (5, 7)
    np.testing.assert_allclose(vectors, read[0].numpy(), atol=1e-5)


def test_the_deep_network_s_vector_is_its_own_embedding():
    classifier = fitted(DeepCNNClassifier)
    np.testing.assert_array_equal(
        ClassifierEmbedder(classifier).embed(CHIPS), classifier.embed(grey_faces(CHIPS, (32, 32)))
    )


def test_embedding_leaves_the_network_as_it_was():
    classifier = fitted(CNNClassifier)
    before = {name: value.clone() for name, value in classifier.network_.state_dict().items()}
    ClassifierEmbedder(classifier).embed(CHIPS)
    for name, value in classifier.network_.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, before[name])


@pytest.mark.parametrize(
    ("kind", "word"), [(FCNNClassifier, "fcnn"), (CNNClassifier, "cnn"), (DeepCNNClassifier, "deep")]
)
def test_a_saved_folder_is_an_embedder_wherever_it_lies(kind, word, tmp_path):
    classifier = fitted(kind)
    classifier.save(tmp_path / "here")
    classifier.save(tmp_path / "there")
    here, there = open_embedder(tmp_path / "here"), open_embedder(str(tmp_path / "there"))
    assert here.sha256 == json.loads((tmp_path / "here/manifest.json").read_text())["weights_sha256"]
    assert (here.name, here.sha256) == (there.name, there.sha256)
    assert here.name == f"{word}-{here.sha256[:8]}"
    assert repr(here) == f"ClassifierEmbedder({here.name}, 32x32 grey)"
    np.testing.assert_array_equal(here.embed(CHIPS), ClassifierEmbedder(classifier).embed(CHIPS))


def test_a_face_s_vector_does_not_depend_on_its_neighbours():
    embedder = ClassifierEmbedder(fitted(CNNClassifier))
    np.testing.assert_allclose(embedder.embed(CHIPS)[2:3], embedder.embed(CHIPS[2:3]), rtol=1e-6)


def test_any_transformer_of_square_faces_is_an_embedder():
    pca = PCA(3).fit(grey_faces(CHIPS, (24, 24)).reshape(5, -1))
    embedder = EstimatorEmbedder(pca, "eigenfaces")
    assert embedder.name == "eigenfaces"
    assert repr(embedder) == "EstimatorEmbedder(eigenfaces, 24x24 grey)"
    np.testing.assert_allclose(
        embedder.embed(CHIPS), pca.transform(grey_faces(CHIPS, (24, 24)).reshape(5, -1)), rtol=1e-6
    )
    assert EstimatorEmbedder(pca, "again").sha256 == embedder.sha256
    assert EstimatorEmbedder(PCA(2).fit(pca.inverse_transform(np.eye(3))), "other").sha256 != embedder.sha256


def test_grey_is_luma_resized_by_a_triangle():
    grey = grey_faces(CHIPS, (50, 40))
    assert grey.shape == (5, 50, 40)
    luma = (CHIPS[1] @ [0.299, 0.587, 0.114]).astype(np.float32)
    resized = Image.fromarray(luma).resize((40, 50), Image.Resampling.BILINEAR)
    np.testing.assert_allclose(grey[1], np.asarray(resized), atol=1e-6)
    np.testing.assert_allclose(grey_faces(CHIPS, (112, 112))[1], luma, atol=1e-6)
    assert grey_faces(np.ones((1, 8, 8, 3), np.float32), (4, 4)).max() <= 1


def sface(**options):
    pytest.importorskip("cv2")
    from faceloupe.errors import UnavailableError

    try:
        return open_embedder("sface", **options)
    except UnavailableError as problem:
        pytest.skip(str(problem))


def test_published_embedders_by_name():
    assert sface().name == "sface"
    assert open_embedder("sface+flip").name == "sface+flip"


def deep_in_a_lambda():
    return FunctionTransformer(lambda pixels: pixels).fit(np.zeros((1, 16)))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: open_embedder("arcface"),
            "There is no embedder 'arcface'; there are sface, sface\\+flip, and any folder",
        ),
        (lambda: open_embedder(""), "There is no embedder ''"),
        (lambda: open_embedder("/"), "no manifest.json"),
        (lambda: EstimatorEmbedder(PCA(2), "pca"), "pca: expected a transformer that is fitted"),
        (lambda: EstimatorEmbedder("pca", "pca"), "expected a transformer that is fitted on grey faces, got 'pca'"),
        (lambda: EstimatorEmbedder(PCA(2).fit(np.eye(5)), "pca"), "square faces, but it takes 5 pixels"),
        (lambda: EstimatorEmbedder(deep_in_a_lambda(), "mine"), "mine cannot be pickled"),
        (lambda: grey_faces(np.zeros((1, 4, 4), np.float32), (2, 2)), r"expected \(N, H, W, 3\)"),
        (lambda: grey_faces(CHIPS[:0], (2, 2)), "N > 0"),
    ],
)
def test_what_is_refused_and_how(make, words):
    with pytest.raises(InputError, match=words):
        make()


def test_clusters_are_vectors_too():
    clusters = KMeans(2, n_init=1, random_state=0).fit(grey_faces(CHIPS, (8, 8)).reshape(5, -1))
    assert EstimatorEmbedder(clusters, "distances").embed(CHIPS).shape == (5, 2)
