"""Measures of the layers of a network: each file asks one question."""
