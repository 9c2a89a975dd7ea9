"""The number that is explained: a class, a pair, a cosine."""

import numpy as np
import pytest
import torch
from torch import nn

from faceloupe.errors import InputError
from faceloupe.inspection import trace
from faceloupe.inspection.attribution.targets import unit_of_numbers
from faceloupe.training.networks import FCNN
from helpers.attributing import SIDE, raw


@pytest.mark.parametrize(
    ("logit", "target", "text", "value"),
    [
        (1.5, None, "logit of class 1", 1.5),
        (-1.5, None, "minus the logit: evidence for class 0", 1.5),
        (-1.5, 1, "logit of class 1", -1.5),
        (1.5, 0, "minus the logit: evidence for class 0", -1.5),
        (1.5, (1, 0), "logit of class 1", 1.5),
        (1.5, (0, 1), "minus the logit: evidence for class 0", -1.5),
    ],
)
def test_one_logit(face, logit, target, text, value):
    network = FCNN((SIDE, SIDE))
    with torch.no_grad():
        network.output.weight.zero_()
        network.output.bias.fill_(logit)
    found = raw(network, face, target)
    assert (found.target, found.value) == (text, value)


@pytest.mark.parametrize(
    ("outputs", "unit"),
    [
        ([[0.25, 0.75], [0.5, 0.5]], "probability"),
        ([[0.25, 0.75], [3.0, 1.0]], "logit"),  # by chance, for one of two faces
        (np.log([[0.25, 0.75], [0.5, 0.5]]), "log-probability"),
        ([[1.0], [1.0]], "logit"),
    ],
)
def test_numbers_are_probabilities_where_they_sum_to_1_for_every_face(outputs, unit):
    assert unit_of_numbers(np.array(outputs), "logit") == unit


def test_several_logits(cnn, face):
    logits = trace(cnn, face[None])["output"][0]
    best = int(logits.argmax())
    assert raw(cnn, face).target == f"logit of class {best}"
    assert raw(cnn, face).value == pytest.approx(logits[best])
    difference = raw(cnn, face, (2, 0))
    assert difference.target == "logit of class 2 minus logit of class 0"
    assert difference.value == pytest.approx(logits[2] - logits[0], abs=1e-6)
    np.testing.assert_allclose(difference.map, raw(cnn, face, 2).map - raw(cnn, face, 0).map, atol=1e-6)


def test_the_cosine_with_a_template(cnn, face):
    template = np.array([1.0, -2.0, 0.5])
    pixels = torch.tensor(face[None], requires_grad=True)
    cosine = nn.functional.cosine_similarity(cnn(pixels), torch.tensor(template[None], dtype=torch.float32))
    [slope] = torch.autograd.grad(cosine, pixels)
    found = raw(cnn, face, template, "gradient")
    assert (found.target, found.value) == ("cosine with the given template", pytest.approx(cosine.item(), abs=1e-6))
    np.testing.assert_allclose(found.map, slope[0, 0].numpy(), atol=1e-6)
    assert found.unit == "cosine gained per unit of pixel value"


@pytest.mark.parametrize("target", [3, -1, True, (0, 3), (1, 2, 0), 1.0, "two"])
def test_a_class_that_does_not_exist_is_answered_with_what_does(cnn, face, target):
    with pytest.raises(InputError, match=r"a class from 0 to 2, a pair .* or a template of 3 numbers .*; got"):
        raw(cnn, face, target)


def test_one_logit_has_two_classes(face):
    with pytest.raises(InputError, match=r"class 0 or 1 \(the network has one logit\)"):
        raw(FCNN((SIDE, SIDE)), face, 2)


@pytest.mark.parametrize("template", [[1.0, 2.0], [0.0, 0.0, 0.0], [1.0, 2.0, np.nan], [[1.0, 2.0, 3.0]]])
def test_a_template_that_does_not_fit_is_refused(cnn, face, template):
    with pytest.raises(InputError, match="a template of 3 finite numbers, not all 0"):
        raw(cnn, face, np.array(template))


def test_a_class_against_itself_is_refused(cnn, face):
    with pytest.raises(InputError, match="two different classes, got 1 twice"):
        raw(cnn, face, (1, 1))
