"""The full statistics for any small networks: the same people, splits, seeds and batches for each of them."""

from faceloupe.studies.comparison.networks import ComparedNetwork, ComparisonPlan, plan_comparison
from faceloupe.studies.comparison.run import Comparison, compare_networks, run_comparison

__all__ = [
    "ComparedNetwork",
    "Comparison",
    "ComparisonPlan",
    "compare_networks",
    "plan_comparison",
    "run_comparison",
]
