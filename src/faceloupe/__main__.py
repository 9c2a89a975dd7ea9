"""``python -m faceloupe`` is the command ``faceloupe``."""

from faceloupe.cli import main

main()
