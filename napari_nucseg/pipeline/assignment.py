"""One-to-one assignment of things that may belong together, of which few pairs can."""

from __future__ import annotations

import numpy as np

__all__ = ["assign"]


def assign(
    first: np.ndarray, second: np.ndarray, score: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Choose pairs so that nothing is in two of them and the sum of their scores is largest.

    Parameters
    ----------
    first, second : ndarray of int, shape (N,)
        The pairs that are possible, each once.
    score : ndarray of float, shape (N,)
        What a pair is worth, above 0.

    Returns
    -------
    first, second : ndarray of int, shape (M,)
        The pairs that were chosen, in the order of the first.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    if not first.size:
        return first, second
    ones, row = np.unique(first, return_inverse=True)
    twos, column = np.unique(second, return_inverse=True)
    # Everything may also remain alone, with a partner of its own that is worth nothing.
    alone = np.arange(ones.size)
    rows = np.concatenate([row, alone])
    columns = np.concatenate([column, twos.size + alone])
    most = float(score.max())
    costs = 1 + most - np.concatenate([score, np.zeros(ones.size)])
    graph = csr_matrix((costs, (rows, columns)), (ones.size, twos.size + ones.size))
    found_row, found_column = min_weight_full_bipartite_matching(graph)
    real = found_column < twos.size
    return ones[found_row[real]], twos[found_column[real]]
