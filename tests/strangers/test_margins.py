"""Margin losses against a computation by hand in NumPy."""

import numpy as np
import pytest
import torch

from faceloupe.strangers.margins import MarginLoss, with_margin

rng = np.random.default_rng(0)


def by_hand(vectors, directions, labels, scale, margin, kind):
    cosines = vectors @ directions.T
    cosines /= np.linalg.norm(vectors, axis=1)[:, None] * np.linalg.norm(directions, axis=1)
    losses = []
    for row, label in zip(cosines, labels, strict=True):
        logits = row.copy()
        angle = np.arccos(logits[label])
        if kind == "cosface":
            logits[label] -= margin
        elif angle + margin < np.pi:
            logits[label] = np.cos(angle + margin)
        else:
            logits[label] -= margin * np.sin(margin)
        logits *= scale
        losses.append(np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[label])
    return np.mean(losses)


@pytest.mark.parametrize("kind", ["cosface", "arcface"])
@pytest.mark.parametrize("margin", [0.0, 0.35, 0.5])
def test_the_loss_is_what_the_papers_say(kind, margin):
    vectors, labels = rng.normal(size=(40, 6)), rng.integers(5, size=40)
    loss = MarginLoss(6, 5, scale=20.0, margin=margin, kind=kind).double()
    expected = by_hand(vectors, loss.directions.detach().numpy(), labels, 20.0, margin, kind)
    actual = loss(torch.from_numpy(vectors), torch.from_numpy(labels)).item()
    assert actual == pytest.approx(expected, rel=1e-5)


def test_a_face_opposite_to_its_person_goes_on_losing():
    """Where the angle and the margin pass π the cosine would rise again."""
    cosines = torch.tensor([[-1.0, 0.2], [-0.98, 0.2], [-0.9, 0.2]])
    own = with_margin(cosines, torch.zeros(3, dtype=torch.int64), 0.5, "arcface")[:, 0]
    assert (own.diff() > 0).all()
    assert own[0] == pytest.approx(-1 - 0.5 * np.sin(0.5), abs=1e-5)


@pytest.mark.parametrize("kind", ["cosface", "arcface"])
def test_gradients_are_numbers_even_where_a_face_lies_on_its_person(kind):
    loss = MarginLoss(4, 3, scale=30.0, margin=0.4, kind=kind)
    vectors = torch.stack([loss.directions[0].detach(), -loss.directions[1].detach()]).requires_grad_()
    loss(vectors, torch.tensor([0, 1])).backward()
    assert torch.isfinite(vectors.grad).all()
    assert torch.isfinite(loss.directions.grad).all()


def test_other_people_s_cosines_are_left_alone():
    cosines, labels = torch.rand(7, 4) * 2 - 1, torch.randint(4, (7,))
    changed = with_margin(cosines, labels, 0.3, "cosface") - cosines
    expected = -0.3 * torch.nn.functional.one_hot(labels, 4)
    torch.testing.assert_close(changed, expected, atol=1e-6, rtol=0)
