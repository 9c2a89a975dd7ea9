"""Looking inside torch modules: running them, following their functions, taking them apart."""
