"""What the labels of each test begin with: no two tests share it, whatever the addresses."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from check_mapi_connectivity.base.clouds import CLOUDS
from check_mapi_connectivity.base.vocabulary import LABELS, prefixes, state_name, worst

METHODS = ("cmdlet",)


def made(*mailboxes, methods=METHODS):
    """The prefixes of these, in their order."""
    return list(prefixes(mailboxes, methods).values())


def test_an_address_that_equals_the_suffixed_form_of_another():
    one, other = made("a.b@c.d", "a_b@c.d")
    assert re.fullmatch("a_b_c_d_[0-9a-f]{8}_", one)
    for taken in (one, other):
        for address in (taken[:-1], taken[:-1].replace("c_d_", "c.d_").replace("b_", "b@", 1)):
            for mailboxes in (("a.b@c.d", "a_b@c.d", address), (address, "a_b@c.d", "a.b@c.d")):
                found = made(*mailboxes)
                assert len(set(found)) == 3
                assert all(name.startswith("a_b_c_d_") for name in found)


def test_an_address_that_equals_the_suffixed_form_of_that():
    """One after the other steps aside."""
    mailboxes = ["a.b@c.d", "a_b@c.d"]
    for _ in range(6):
        mailboxes.append(made(*mailboxes)[0][:-1])
        assert len(set(made(*mailboxes))) == len(mailboxes)


def test_prefixes_are_the_same_in_every_order():
    mailboxes = ("a.b@c.d", "a_b@c.d", "a-b@c.d", "e@f.g")
    there, back = prefixes(mailboxes, METHODS), prefixes(mailboxes[::-1], METHODS)
    assert there == back


ADDRESSES = st.lists(
    st.text("ab._-+'@", min_size=1, max_size=4)
    | st.emails()
    | st.sampled_from(["a.b@c.d", "a_b@c.d", *(name[:-1] for name in made("a.b@c.d", "a_b@c.d"))]),
    min_size=1,
    max_size=12,
    unique_by=str.lower,
)


@given(ADDRESSES, st.lists(st.sampled_from(list(LABELS)), min_size=1, unique=True))
@example(["a.b@c.d", "a_b@c.d", made("a.b@c.d", "a_b@c.d")[0][:-1]], ["graph"])
@example(["a.b@c.d", "a.b@c.d_graph"], ["cmdlet", "graph"])
def test_any_two_tests_have_other_labels(mailboxes, methods):
    found = prefixes(tuple(mailboxes), tuple(methods))
    assert len(set(found.values())) == len(mailboxes) * len(methods)
    labels = [start + label for (_, method), start in found.items() for label in LABELS[method]]
    assert len(set(labels)) == len(labels)


def same_checksum(length):
    """Two texts of `.` and `+` with the same CRC-32, whatever it begins with: with more places
    than bits there must be some, because it is linear.
    """
    import zlib

    base = "." * length
    rows, start = {}, zlib.crc32(base.encode())
    for place in range(length):
        text = f"{base[:place]}+{base[place + 1 :]}"
        value, places = zlib.crc32(text.encode()) ^ start, {place}
        while value and value.bit_length() in rows:
            other, used = rows[value.bit_length()]
            value, places = value ^ other, places ^ used
        if not value:
            return base, "".join("+" if at in places else "." for at in range(length))
        rows[value.bit_length()] = value, places
    raise AssertionError("too short")


def test_addresses_of_the_same_checksum():
    one, other = same_checksum(40)
    assert one != other
    assert len(set(made(f"a{one}@c.d", f"a{other}@c.d"))) == 2


def test_words_and_numbers_that_name_a_state():
    for number, name in enumerate(["OK", "WARNING", "CRITICAL", "UNKNOWN"]):
        assert state_name(name.lower()) == state_name(str(number)) == name
    assert [state_name(text) for text in ("", "4", "green", "-1")] == [None] * 4
    assert (worst([]), worst(["WARNING", "UNKNOWN"])) == ("OK", "UNKNOWN")


def test_each_cloud_has_its_own_hosts():
    assert CLOUDS["china"].graph == "https://microsoftgraph.chinacloudapi.cn"
    assert CLOUDS["worldwide"].exchange == "https://outlook.office365.com"
    assert CLOUDS["gcc"].same_hosts(CLOUDS["worldwide"])
    assert not CLOUDS["dod"].same_hosts(CLOUDS["gcc-high"])
