"""The child of the engine as it is, except that it translates nothing into graphs.

To translate a network takes seconds for each size of image, and the tests with a window run
most of it only a few times. `tests/test_engine.py` has the child that users have.

The tests load this module for the type of a task; ``python -m eager_engine`` is the child.
"""

import dataclasses
import runpy
from pathlib import Path

from napari_nucseg.engine import tasks, worker
from napari_nucseg.engine.messages import Task, Warned


@dataclasses.dataclass(frozen=True, eq=False)
class MakeQuickLearner(Task):
    """Make a model that begins to learn within a second, in a folder."""

    folder: Path


@tasks.perform.register(MakeQuickLearner)
def _make_quick_learner(task, callbacks, kept):
    fixtures = runpy.run_path(str(Path(__file__).with_name("conftest.py")))
    fixtures["make_quick_learner"](task.folder)


def perform(task, callbacks, kept):
    """Do a task; the first one loads TensorFlow, as in the other child."""
    from napari_nucseg.network import fit
    from napari_nucseg.network.backend import tf

    fit._STATISTICS_BATCHES = 1
    tf.config.run_functions_eagerly(True)
    return tasks.perform(task, callbacks, kept)


class Worker(worker.Worker):
    """Keeps to itself that TensorFlow translates data sets nevertheless."""

    def _send(self, reply):
        if not (isinstance(reply, Warned) and "run_functions_eagerly" in reply.text):
            super()._send(reply)


if __name__ == "__main__":
    worker.perform, worker.Worker = perform, Worker
    worker.main()
