import pytest
import torch

from faceloupe.faces import load_faces


@pytest.fixture(scope="session")
def two_people():
    """Twenty captures of two subjects of ORL, 64x64."""
    return load_faces("orl", subjects=[0, 1])


@pytest.fixture(scope="session")
def three_people():
    return load_faces("orl", subjects=[0, 1, 2])


@pytest.fixture
def torch_as_found():
    """Fails the test if it moves PyTorch's global generator or its number of threads."""
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    yield
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
