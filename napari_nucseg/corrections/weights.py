"""How much each reason to look at a nucleus counts.

Written by ``python benchmarks/suspicion.py DATA --fit --write``. Run that again for a new
bundled model, or after a change of the reasons.
"""

__all__ = ["MISSED", "NUCLEI", "WITHOUT_MAPS"]

#: The logarithm of the odds without any risk, and what each reason adds, in their order.
NUCLEI = (
    -4.22,
    (
        0.24,  # relative_area from 1.3 to 2.0
        0.26,  # relative_area from 2.0 to 4.0
        0.38,  # relative_area from 1.0 to 0.6
        0.7,  # relative_area from 0.6 to 0.1
        0.35,  # fullness from 0.98 to 0.94
        0.0,  # fullness from 0.94 to 0.8
        0.93,  # relative_brightness from 1.0 to 0.6
        1.1,  # relative_brightness from 0.6 to 0.2
        1.57,  # touching from 0.0 to 0.5
        0.46,  # at_border from 0.0 to 1.0
        0.8,  # confidence from 0.96 to 0.85
        0.43,  # confidence from 0.85 to 0.5
        0.99,  # probability from 0.93 to 0.85
        1.56,  # probability from 0.85 to 0.7
        0.69,  # second_peak from 0.0 to 0.15
        1.64,  # second_peak from 0.15 to 0.3
        0.0,  # neighbor_depth from 0.8 to 0.55
        0.6,  # neighbor_depth from 0.55 to 0.3
        0.31,  # contrast from 0.45 to 0.15
        0.96,  # outline_distance from 0.1 to 0.25
        0.0,  # size from 0.55 to 0.15
        0.15,  # around from 0.93 to 0.7
    ),
)
WITHOUT_MAPS = (
    -3.6,
    (
        0.23,  # relative_area from 1.3 to 2.0
        0.21,  # relative_area from 2.0 to 4.0
        0.96,  # relative_area from 1.0 to 0.6
        1.57,  # relative_area from 0.6 to 0.1
        1.52,  # fullness from 0.98 to 0.94
        0.92,  # fullness from 0.94 to 0.8
        1.52,  # relative_brightness from 1.0 to 0.6
        1.64,  # relative_brightness from 0.6 to 0.2
        1.99,  # touching from 0.0 to 0.5
        1.53,  # at_border from 0.0 to 1.0
    ),
)
MISSED = (
    -2.87,
    (
        0.0,  # fullness from 0.7 to 0.95
        1.29,  # probability from 0.2 to 0.5
        0.96,  # size from 0.2 to 0.6
    ),
)
