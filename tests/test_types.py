import numpy as np
import pytest

from eyetest.types import places


def test_each_wanted_row_is_found_where_it_stands_in_any_order() -> None:
    rows = np.array([7, 2, 9, 4], dtype=np.int64)
    wanted = np.array([4, 7, 7, 9], dtype=np.int64)
    assert places(rows, wanted).tolist() == [3, 0, 0, 2]
    assert places(rows, np.empty(0, dtype=np.int64)).tolist() == []


@pytest.mark.parametrize("missing", [1, 5, 100])
def test_a_row_that_is_not_there_is_a_bug_and_no_neighbour(missing: int) -> None:
    rows = np.array([7, 2, 9, 4], dtype=np.int64)
    with pytest.raises(KeyError, match=str(missing)):
        places(rows, np.array([2, missing], dtype=np.int64))
