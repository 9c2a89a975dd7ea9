"""What a result looks like: each file makes results into sections of a page, in plain values."""
