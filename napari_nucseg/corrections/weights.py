"""How much each reason to look at a nucleus counts.

Written by ``python benchmarks/suspicion.py DATA --fit --write``. Run that again for a new
bundled model, or after a change of the reasons.
"""

__all__ = ["MISSED", "NUCLEI", "WITHOUT_MAPS"]

#: The logarithm of the odds without any risk, and what each reason adds, in their order.
NUCLEI = (
    -3.97,
    (
        0.0,  # relative_area from 1.3 to 2.0
        0.45,  # relative_area from 2.0 to 4.0
        0.46,  # relative_area from 1.0 to 0.6
        0.76,  # relative_area from 0.6 to 0.1
        0.72,  # fullness from 0.98 to 0.94
        0.0,  # fullness from 0.94 to 0.8
        0.91,  # relative_brightness from 1.0 to 0.6
        1.4,  # relative_brightness from 0.6 to 0.2
        1.45,  # touching from 0.0 to 0.5
        0.69,  # at_border from 0.0 to 1.0
        0.61,  # confidence from 0.96 to 0.85
        0.11,  # confidence from 0.85 to 0.5
        1.03,  # probability from 0.93 to 0.85
        1.88,  # probability from 0.85 to 0.7
        0.42,  # second_peak from 0.0 to 0.15
        0.96,  # second_peak from 0.15 to 0.3
        0.04,  # neighbor_depth from 0.8 to 0.55
        0.6,  # neighbor_depth from 0.55 to 0.3
        0.21,  # contrast from 0.45 to 0.15
        0.65,  # outline_distance from 0.1 to 0.25
        0.13,  # size from 0.55 to 0.15
        0.61,  # around from 0.93 to 0.7
    ),
)
WITHOUT_MAPS = (
    -3.57,
    (
        0.09,  # relative_area from 1.3 to 2.0
        0.52,  # relative_area from 2.0 to 4.0
        1.0,  # relative_area from 1.0 to 0.6
        1.65,  # relative_area from 0.6 to 0.1
        1.68,  # fullness from 0.98 to 0.94
        0.92,  # fullness from 0.94 to 0.8
        1.41,  # relative_brightness from 1.0 to 0.6
        1.85,  # relative_brightness from 0.6 to 0.2
        1.61,  # touching from 0.0 to 0.5
        1.63,  # at_border from 0.0 to 1.0
    ),
)
MISSED = (
    -3.1,
    (
        0.36,  # fullness from 0.7 to 0.95
        1.14,  # probability from 0.2 to 0.5
        1.18,  # size from 0.2 to 0.6
    ),
)
