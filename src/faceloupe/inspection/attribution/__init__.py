"""Attribution: maps of the pixels that an answer rests on, and whether they can be believed."""
