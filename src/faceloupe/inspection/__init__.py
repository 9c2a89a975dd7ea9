"""Looking inside a network: what it is made of, what its layers put out, and what can be measured on that."""

from faceloupe.inspection.anatomy import Anatomy, Layer, anatomy
from faceloupe.inspection.separability import Separability, dead_units, probe
from faceloupe.inspection.trace import Trace, trace

__all__ = ["Anatomy", "Layer", "Separability", "Trace", "anatomy", "dead_units", "probe", "trace"]
