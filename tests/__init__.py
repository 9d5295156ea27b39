"""
Tests, mirrored to the package.

Each run tries the same examples, so what fails is what was changed;
``MAILSUITE_EXPLORE=5`` draws new ones, and five times as many where a test
does not say how many.
"""

import os

from hypothesis import HealthCheck, settings

_explored = int(os.environ.get("MAILSUITE_EXPLORE") or 0)
# A busy machine is no fault of the code; what must be quick is measured in
# benchmarks/, and tests of bounds count steps or say their own limit.
settings.register_profile(
    "mailsuite",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=not _explored,
    max_examples=100 * max(_explored, 1),
)
settings.load_profile("mailsuite")
