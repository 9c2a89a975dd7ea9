"""Looking inside a network: what it is made of, what its layers put out, and what can be measured on that.

``anatomy`` and ``trace`` take either kind of network, by ``torch_networks`` or ``onnx_networks``, to the same values:
``layers`` (with what they see, ``fields``) and ``outputs``. ``measures`` and ``attribution`` stand on those.
Results show themselves in a notebook (``showing``) as the sections that ``views`` make of them.
"""

from faceloupe.inspection.anatomy import anatomy
from faceloupe.inspection.attribution.attribute import Attribution, attribute
from faceloupe.inspection.attribution.certificate import Certificate
from faceloupe.inspection.layers import Anatomy, Layer
from faceloupe.inspection.measures.diagnosis import UnitReport, diagnose_units
from faceloupe.inspection.measures.patches import top_patches
from faceloupe.inspection.measures.projection import project
from faceloupe.inspection.measures.sensitivity import ShiftSensitivity, shift_sensitivity
from faceloupe.inspection.measures.separability import Separability, probe
from faceloupe.inspection.measures.similarity import cka, compare_layers
from faceloupe.inspection.measures.units import dead_units, duplicate_units
from faceloupe.inspection.onnx_networks.network import OnnxNetwork
from faceloupe.inspection.outputs import Trace
from faceloupe.inspection.trace import trace

__all__ = [
    "Anatomy",
    "Attribution",
    "Certificate",
    "Layer",
    "OnnxNetwork",
    "Separability",
    "ShiftSensitivity",
    "Trace",
    "UnitReport",
    "anatomy",
    "attribute",
    "cka",
    "compare_layers",
    "dead_units",
    "diagnose_units",
    "duplicate_units",
    "probe",
    "project",
    "shift_sensitivity",
    "top_patches",
    "trace",
]
