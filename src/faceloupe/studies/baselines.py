"""The recognisers that a small network must beat to be worth its name."""

from typing import Any


def baseline(name: str, seed: int, epochs: int = 20) -> Any:
    """Return a recogniser on flat faces (N, H·W), untrained, with scikit-learn's ``fit`` and ``score``.

    Parameters
    ----------
    name : {"1-nn", "pca-logistic", "pca-svm", "lda", "deep"}
        The nearest training capture by Euclidean distance; logistic regression on the principal components that hold
        99 % of the variance (eigenfaces, Turk and Pentland 1991); a linear support vector machine on the same,
        whitened; linear discriminant analysis (Fisherfaces, Belhumeur et al. 1997); our deep network.
    seed : int
        For the deep network's weights and batches; the others draw nothing.
    epochs : int
        Epochs of the study; the deep network trains for a quarter more.
    """
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import SVC

    from faceloupe.training.deep import DeepCNNClassifier

    match name:
        case "1-nn":
            return KNeighborsClassifier(n_neighbors=1)
        case "pca-logistic":
            return make_pipeline(PCA(0.99, svd_solver="full"), LogisticRegression(max_iter=2000))
        case "pca-svm":
            return make_pipeline(PCA(0.99, whiten=True, svd_solver="full"), SVC(kernel="linear"))
        case "lda":
            return LinearDiscriminantAnalysis()
        case _:
            return DeepCNNClassifier(epochs=epochs + epochs // 4, seed=seed)
