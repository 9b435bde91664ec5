"""Fine-tune the bundled model on corrected images, and use it unless it is worse.

    python fine_tune_on_corrections.py CORRECTED NAME [MINUTES]

CORRECTED holds images/ and masks/ with files of equal names.
"""

import sys

import napari_nucseg


def main(corrected: str, name: str, minutes: float | str = 2) -> None:
    """Make a new model and say how it compares with its parent.

    Parameters
    ----------
    corrected : str
        Folder of images and masks.
    name : str
        Name of the new model.
    minutes : float or str, optional
        How long it may take.
    """

    def show(epoch: napari_nucseg.Epoch) -> None:
        print(f"epoch {epoch.epoch}: score {epoch.score:.3f}")

    result = napari_nucseg.fine_tune(
        corrected,
        name,
        budget=minutes,
        callbacks=napari_nucseg.Callbacks(on_epoch=show),
    )
    best = result.name if result.better else result.parent
    print(f"{result.comparison} Use the model {best!r}.")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
