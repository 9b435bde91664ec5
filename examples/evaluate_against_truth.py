"""Score a segmentation for which the truth is known.

python evaluate_against_truth.py
"""

import napari_nucseg
from napari_nucseg.image.simulate import simulate_field


def main() -> None:
    """Segment a simulated field and compare it with its true nuclei."""
    field = simulate_field((256, 256), diameter=30, touching=0.5, seed=1)
    labels = napari_nucseg.segment(field)
    scores = napari_nucseg.evaluate(labels, field.labels)
    print(f"{scores.predicted} nuclei found, {scores.true} true")
    for threshold, ap in scores.ap_pooled.items():
        print(f"AP at IoU {threshold:.2f}: {ap:.3f}")
    print(f"F1 {scores.f1:.3f}, panoptic quality {scores.panoptic_quality:.3f}")


if __name__ == "__main__":
    main()
