"""The tree of phases; what it shows of whole reports is in test_render."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from check_mapi_connectivity.result import phase_tree

from ..support.reports import known
from .test_time_analysis import PHASES, Watch


@given(
    st.dictionaries(st.sampled_from([*PHASES, "shared", "disconnect"]), st.floats(0, 9999)),
    st.floats(0, 9999),
)
def test_the_tree_fits_into_80_columns(times, total):
    measured = known("probe@contoso.com", "mapi", total=total)
    measured.times.sign_in, measured.times.discovery = Watch(**times), Watch(**times)
    measured.times.service = Watch(**times)
    measured.times.service.start("execute")
    lines = list(phase_tree.phases(measured))
    assert max(map(len, lines)) <= 80
    assert len(lines) >= 3
