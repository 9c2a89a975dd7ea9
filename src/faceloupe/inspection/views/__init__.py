"""Views of results: each file turns results into sections of a page, in plain values."""
