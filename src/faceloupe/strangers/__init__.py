"""Embedders made here, for strangers: people whom nobody learned from.

``adapt`` learns a linear head for a fixed embedder from one's own labelled faces, and keeps it only if it helps with
other people: ``heads`` are the recipes, ``choosing`` the cross-validation, ``gain`` the interval, ``cohort`` the
normalisation of scores. ``train`` makes an embedder of photographs: ``training`` trains a compact
``network`` on aligned faces with a margin loss (``margins``), and ``onnx_file`` writes it.
"""
