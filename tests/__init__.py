"""
Tests, mirrored to the package.
"""

from hypothesis import HealthCheck, settings

# A busy machine is no fault of the code; what must be quick is measured in
# benchmarks/, and tests of bounds count steps or say their own limit.
settings.register_profile(
    "mailsuite", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("mailsuite")
