"""Sentences of the language of networks: read, written, and refused with the place and the remedy.

Also tests ``training/phrases.py``, ``training/specs.py``.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from faceloupe.errors import InputError
from faceloupe.training import CNN, FCNN, NetworkClassifier, NetworkSpec, SmallNetwork, Training, parse_network
from faceloupe.training.language import CNN_SENTENCE, FCNN_SENTENCE
from faceloupe.training.networks import clip
from faceloupe.training.preprocessing import KINDS
from faceloupe.training.specs import (
    ACTIVATIONS,
    INITIALISATIONS,
    OPTIMISERS,
    Augmentation,
    BatchNormalisation,
    Convolution,
    Dense,
    Dropout,
    GlobalPooling,
    Pooling,
)

SIDES = st.integers(1, 12)
SIZES = st.tuples(SIDES, SIDES)
ACTIVE = st.sampled_from(ACTIVATIONS)
SHARES = st.floats(1e-3, 0.999)


@st.composite
def convolutions(draw):
    kernel = draw(SIZES)
    padding = tuple(draw(st.integers(0, side - 1)) for side in kernel)
    return Convolution(draw(st.integers(1, 99)), kernel, draw(SIZES), padding, draw(ACTIVE))


SPATIAL = st.one_of(convolutions(), st.builds(Pooling, SIZES, SIZES, st.booleans()))
ANYWHERE = st.one_of(st.builds(Dropout, SHARES), st.builds(BatchNormalisation, ACTIVE))
FLAT = st.one_of(st.builds(Dense, st.integers(1, 999), ACTIVE), ANYWHERE)
TRAININGS = st.builds(
    Training,
    optimiser=st.sampled_from(sorted(OPTIMISERS)),
    learning_rate=st.none() | st.floats(1e-9, 10),
    batch_size=st.integers(1, 999),
    epochs=st.integers(0, 999),
    weight_decay=st.floats(0, 1),
    initialisation=st.sampled_from(INITIALISATIONS),
    preprocess=st.sampled_from(KINDS),
    augment=st.builds(Augmentation, st.booleans(), st.floats(0, 9), st.floats(0, 90), st.floats(0, 50)),
)


@st.composite
def specs(draw):
    front = draw(st.lists(SPATIAL | ANYWHERE, max_size=4))
    pooling = draw(st.lists(st.builds(GlobalPooling, st.booleans()), max_size=1))
    layers = (*front, *pooling, *draw(st.lists(FLAT, max_size=3)))
    return NetworkSpec(layers or (Dense(4),), draw(TRAININGS))


@given(specs())
def test_a_network_written_as_a_sentence_reads_as_the_same_network(spec):
    assert parse_network(str(spec)) == spec
    assert str(parse_network(str(spec))) == str(spec)


@given(st.text("conv pldesgbathruio0123456789x,;.\n\t×é", max_size=60))
@settings(max_examples=300)
def test_any_text_is_read_or_refused_with_its_place(text):
    try:
        assert parse_network(str(parse_network(text))) == parse_network(text)
    except InputError as problem:
        first, shown, marked, remedy = str(problem).rsplit("\n", 3)
        assert first.startswith("network: ")
        assert len(shown) == 2 + len(text)
        assert set(marked.strip()) == {"^"}
        assert len(marked.rstrip()) <= max(len(shown), 2) + 1
        assert remedy.strip()


@given(specs(), st.tuples(st.integers(4, 40), st.integers(4, 40)))
@settings(max_examples=60)
def test_a_clipped_network_always_runs_and_one_that_fits_is_left_alone(spec, shape):
    clipped, notes = clip(spec, shape)
    network = SmallNetwork(clipped, shape, 3).eval()
    assert network(torch.zeros(2, 1, *shape)).shape == (2, 3)
    assert clip(clipped, shape) == (clipped, ())
    if notes:
        with pytest.raises(InputError, match="is larger than what reaches it"):
            SmallNetwork(spec, shape, 3)
    else:
        assert clipped == spec


@pytest.mark.parametrize(
    ("sentence", "marked", "says"),
    [
        ("dense 4 relo", "relo", "Did you mean relu?"),
        ("conv 16 5x5 relu, poll 2", "poll", "Did you mean pool?"),
        ("conv sixteen 5x5", "sixteen", "the number of filters"),
        ("conv 16 relu", "relu", "the size of the kernel"),
        ("conv 16 5x5x5", "5x5x5", "height x width"),
        ("conv 4 8x8 padding same", "same", "padding 1"),
        ("conv 4 3x3 padding same stride 2", "same", "stride 1"),
        ("dense 4; rate 1_0", "1_0", "a finite number above 0"),
        ("conv 4 3x3 padding 3", "3", "smaller than the kernel"),
        ("conv 4 3x3 relu stride 2", "stride", "not expected here"),
        ("dense 4 relu pool 2", "pool", "a comma is missing"),
        ("dense 4, pool 2", "pool 2", "Put it before"),
        ("global pool, conv 3 3x3", "conv 3 3x3", "Put it before"),
        ("dense 0", "0", "from 1 to"),
        ("dense 99999999", "99999999", "from 1 to 65536"),
        ("dropout 1", "1", "above 0 and below 1"),
        ("dense 4 relu, epochs 40", "epochs", "semicolon"),
        ("dense 4; dense 5", "dense", "Put it before the semicolon"),
        ("dense 4; optimiser adm", "adm", "Did you mean adam?"),
        ("dense 4; rate 0", "0", "above 0"),
        ("dense 4; rate inf", "inf", "finite"),
        ("dense 4; epochs 2, epochs 3", "epochs", "said twice"),
        ("conv 4 3x3 stride 2 stride 1", "stride", "said twice"),
        ("dense 4; augment shift 2 mirror shift 3", "shift", "said twice"),
        ("conv 4 3x3, batch norm", "batch", "batchnorm relu"),
        ("dense 4; momentum", "momentum", "Write: optimiser momentum"),
        ("dense 4; augment sideways", "sideways", "mirror"),
        ("dense 4; augment rotate 180", "180", "below 180"),
        ("dense 4; decay 1e-4 batch 4", "batch", "commas"),
        ("average dense 4", "dense", "average pool 2"),
    ],
)
def test_a_wrong_sentence_gets_the_place_and_the_remedy(sentence, marked, says):
    with pytest.raises(InputError) as caught:
        parse_network(sentence)
    _, shown, below, _ = str(caught.value).rsplit("\n", 3)
    start = below.index("^")
    assert shown[2:] == sentence
    assert shown[start : start + below.count("^")] == marked
    assert says in str(caught.value)


@pytest.mark.parametrize("sentence", ["", "dense 4,", ", dense 4", "dense 4;", "dense 4; epochs 3,"])
def test_where_something_is_missing_its_place_is_marked(sentence):
    with pytest.raises(InputError, match="there is nothing"):
        parse_network(sentence)


@pytest.mark.parametrize("given", [None, 4, ["dense 4"], b"dense 4"])
def test_what_is_no_sentence_is_refused(given):
    with pytest.raises(InputError, match="must be a sentence such as"):
        parse_network(given)


def test_what_a_sentence_leaves_out_is_the_tutorials_or_the_callers():
    assert parse_network("dense 4").training == Training("rmsprop", None, 5, 20, 0.0, "glorot_uniform", "none")
    assert parse_network("dense 4; batch 7", Training(epochs=3)).training == Training(epochs=3, batch_size=7)
    caller = Training(learning_rate=0.5)
    assert parse_network("dense 4; optimiser sgd", caller).training.rate == 0.01  # its own, not another optimiser's


def test_letters_spaces_and_signs_are_read_as_people_write_them():
    assert parse_network(" CONV  4 8×8 ReLU ,pool 4,Dense 4 relu") == parse_network(CNN_SENTENCE)


@pytest.mark.parametrize(("sentence", "network"), [(FCNN_SENTENCE, FCNN), (CNN_SENTENCE, CNN)])
def test_the_tutorials_networks_are_two_sentences(sentence, network):
    said, made = SmallNetwork(parse_network(sentence), (64, 64)), network((64, 64))
    assert str(said) != str(made)  # torch names the class
    assert said.spec == made.spec
    assert all(torch.equal(value, made.state_dict()[name]) for name, value in said.state_dict().items())


def test_layers_are_numbered_where_there_are_several_of_a_kind():
    spec = parse_network("conv 4 3x3 relu, pool 2, conv 6 3x3 leaky, global average pool, dense 5 tanh, dropout 0.5")
    assert [name for name, _ in SmallNetwork(spec, (16, 16)).named_children()] == [
        "conv1", "conv1_relu", "pool1", "conv2", "conv2_leaky", "pool2", "flatten",
        "hidden", "hidden_tanh", "dropout", "output",
    ]  # fmt: skip


def test_padding_same_keeps_the_size():
    network = SmallNetwork(parse_network("conv 2 5x3 padding same, pool 2"), (12, 10))
    assert network.conv(torch.zeros(1, 1, 12, 10)).shape == (1, 2, 12, 10)


def test_a_classifier_takes_the_sentence_and_what_is_said_beside_it():
    faces = np.random.default_rng(0).random((8, 12, 12))
    model = NetworkClassifier("dense 6 tanh; optimiser adam, rate 0.01, epochs 3", epochs=2, augment="mirror shift 1")
    model.fit(faces, [0, 1] * 4)
    assert str(model.spec_) == "dense 6 tanh; optimiser adam, rate 0.01, epochs 2, augment mirror shift 1"
    assert len(model.history_) == 2
    with pytest.raises(InputError, match=r"dense 6 tan\n.*\^\^\^"):
        NetworkClassifier("dense 6 tan").fit(faces, [0, 1] * 4)


@pytest.mark.parametrize(
    "wrong",
    [{"optimiser": "lbfgs"}, {"initialisation": "zeros"}, {"batch_size": 0}, {"epochs": -1}, {"learning_rate": 0},
     {"weight_decay": -1}, {"preprocess": "whiten"}, {"augment": "upside down"}],
)  # fmt: skip
def test_a_classifier_refuses_what_cannot_be(wrong):
    faces = np.random.default_rng(0).random((8, 12, 12))
    with pytest.raises(InputError, match=next(iter(wrong)) if "augment" not in wrong else "mirror"):
        NetworkClassifier("dense 4", **wrong).fit(faces, [0, 1] * 4)


def test_leaky_relu_may_be_written_in_full():
    assert parse_network("dense 3 leaky relu, dropout 0.5") == parse_network("dense 3 leaky, dropout 0.5")
