"""Short by default; `make fuzz` chooses the profile below, which tries for minutes."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "fuzz",
    max_examples=2000,
    deadline=5000,
    print_blob=True,
    suppress_health_check=[*HealthCheck],
)
