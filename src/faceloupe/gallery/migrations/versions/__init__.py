"""One step from each schema to the next."""
