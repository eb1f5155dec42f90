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
    for whole in (True, False):
        lines = list(phase_tree.tree(measured, whole=whole))
        assert max(map(len, lines)) <= 80
        assert len(lines) >= 3


@given(st.dictionaries(st.sampled_from(PHASES), st.floats(0, 9)), st.floats(0, 99))
def test_a_line_and_the_tree_say_the_same(times, total):
    measured = known("probe@contoso.com", "mapi", total=total)
    measured.times.discovery, measured.times.service = Watch(**times), Watch(**times)
    line = phase_tree.in_words(measured)
    rows = [row.split("#")[0].split() for row in phase_tree.tree(measured, whole=False)][1:]
    said = [f"{' '.join(words[:-1])} {words[-1]}" for words in rows]
    assert line == f"{total:.3f}s: {', '.join(said)}"
