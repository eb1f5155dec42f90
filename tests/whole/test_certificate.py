"""End to end: certificates that have ended, that were renewed, that Entra does not know, and files of
certificates and authorities in odd forms.
"""

from __future__ import annotations

import base64
import json

import pytest

from ..conftest import perfdata
from ..tenant.material import TENANT_NAME, make_certificate, pem, pem_key, private_file

LINE = "MAPI OK - healthy@practice.example: Inbox listed in 0.041s (cmdlet)"
GOOD = perfdata(1, "0.041s", server="0.041s", service="kept")
RENEW = f"check_mapi_connectivity_setup --tenant {TENANT_NAME} --renew"


@pytest.fixture
def renewed(tenant, tmp_path):
    """`renewed(*(name, begin, end))` -> a file with certificates of the app's own key, and that key."""

    def make(*named):
        key = tenant.material.key
        made = [make_certificate(name, begin, end, key)[1] for name, begin, end in named]
        data = b"".join(map(pem, made)) + pem(tenant.material.certificate) + pem_key(key)
        return private_file(tmp_path / "several.pem", data)

    return make


@pytest.fixture
def ended(tenant, tmp_path):
    """A certificate that has ended, by a short path."""
    key, certificate = make_certificate("old", -90, -2)
    return private_file(tmp_path / "old.pem", pem(certificate) + pem_key(key))


def test_a_certificate_that_has_ended(cmdlet, tenant, ended):
    run = cmdlet("healthy", "--certificate", ended)
    assert run.line.startswith("MAPI UNKNOWN - healthy@practice.example: certificate /")
    assert (run.code, run.stderr, tenant.requests) == (3, "", [])
    assert run.perfdata == perfdata(token="U", service="never")
    assert float(run.values()["certificate_days"]) < -2
    words = " ".join(run.diagnosis.split())
    assert f"certificate {ended} expired on " in words
    assert f"remedy renew it; run {RENEW}" in words
    assert "certificate CN=old, ended " in words
    document = json.loads(cmdlet("healthy", "--certificate", ended, "--json").stdout)
    [report] = document["reports"]
    assert (document["state"], document["exit_code"]) == ("UNKNOWN", 3)
    assert report["failure"]["kind"] == "credential"
    assert report["failure"]["remedy"] == f"renew it; run {RENEW}"


@pytest.mark.parametrize(("state", "code"), [("OK", 0), ("WARNING", 1), ("CRITICAL", 2)])
def test_its_state_is_that_of_its_kind(cmdlet, ended, state, code):
    run = cmdlet("healthy", "--certificate", ended, "--state", f"credential={state}")
    assert (run.code, run.line[: len(state) + 5]) == (code, f"MAPI {state}")


def test_a_certificate_that_is_not_yet_valid(cmdlet, tenant, tmp_path):
    key, certificate = make_certificate("new", 2, 90)
    path = private_file(tmp_path / "new.pem", pem(certificate) + pem_key(key))
    run = cmdlet("healthy", "--certificate", path)
    words = " ".join(run.diagnosis.split())
    assert (run.code, run.perfdata) == (3, perfdata(token="U", service="never"))
    assert tenant.requests == []
    assert f"certificate {path} is not valid before " in words
    assert f"check this host's clock; if it is right, renew it: run {RENEW}" in words


def test_it_ends_every_method_and_mailbox(check, tenant, ended):
    run = check(
        f"--extra-opts=cmdlet@{tenant.ini}",
        *("--method", "graph", "--method", "cmdlet", "-m", "healthy@practice.example"),
        *("-m", "other@practice.example", "--certificate", ended, "--no-cache"),
    )
    assert (run.code, tenant.requests) == (3, [])
    for mailbox in ("healthy", "other"):
        for method in ("graph", "cmdlet"):
            prefix = f"{mailbox}_practice_example_{method}_"
            assert float(run.values()[f"{prefix}certificate_days"]) < -2
            assert run.values()[f"{prefix}mapi_connectivity"] == "0"


def test_of_renewed_certificates_the_valid_one_signs_in(cmdlet, renewed):
    run = cmdlet("healthy", "-v", "--certificate", renewed(("old", -400, -35)))
    assert (run.line, run.perfdata, run.code) == (LINE, GOOD, 0)
    assert "CN=check_mapi_connectivity probe, ends " in run.diagnosis


def test_after_one_that_entra_does_not_know_the_next(cmdlet, tenant, renewed):
    path = renewed(("old", -400, -35), ("newest", -1, 900))
    run = cmdlet("healthy", "-v", "--certificate", path)
    assert (run.line, run.perfdata, run.code) == (LINE, GOOD, 0)
    assert tenant.token_requests == 2
    words = " ".join(run.diagnosis.split())
    assert "Entra does not know CN=newest, SHA-1 " in words
    assert "the next one that fits is " in words
    assert "that fits is CN=check_mapi_connectivity probe, SHA-1 " in words
    assert "certificate CN=check_mapi_connectivity probe, ends " in words
    assert 360 < float(run.values()["certificate_days"]) < 370
    warm = cmdlet("healthy", "-v", "--certificate", path)
    assert (warm.code, tenant.token_requests) == (0, 2)
    assert 360 < float(warm.values()["certificate_days"]) < 370


def test_all_that_entra_does_not_know_are_named(cmdlet, tenant, tmp_path):
    key = make_certificate("first", -1, 300)[0]
    pairs = [make_certificate(name, -1, end, key)[1] for name, end in (("a", 300), ("b", 200))]
    path = private_file(tmp_path / "two.pem", b"".join(map(pem, pairs)) + pem_key(key))
    run = cmdlet("healthy", "--certificate", path)
    assert (run.code, tenant.token_requests) == (3, 2)
    assert "(AADSTS700027)" in run.line
    assert "Entra does not know CN=a, SHA-1 " in run.words
    assert "that fits is CN=b, SHA-1 " in run.words


def test_a_recording_of_two_certificates_is_replayed(cmdlet, check, renewed, tmp_path):
    path = renewed(("newest", -1, 900))
    run = cmdlet("healthy", "-v", "--certificate", path, "--record", tmp_path / "told.json")
    assert run.code == 0
    again = check("--replay", tmp_path / "told.json", "-v")
    assert again.line == run.line
    assert "Entra does not know CN=newest, SHA-1 " in " ".join(again.diagnosis.split())


def wide(data):
    return data.decode().encode("utf-16")


AUTHORITIES = {
    "glued": lambda data: data.rstrip(b"\n") * 2,
    "cr": lambda data: data.replace(b"\n", b"\r"),
    "indented": lambda data: b"".join(b"\t " + line for line in data.splitlines(True)),
    "one line": lambda data: data.replace(b"\n", b" "),
    "escaped": lambda data: b'"' + data.replace(b"\n", b"\\n") + b'"',
    "mark": lambda data: b"\xef\xbb\xbf" + data,
    "utf-16": wide,
    "utf-16-be without a mark": lambda data: wide(data)[2:].decode("utf-16-le").encode("utf-16-be"),
    "der": lambda data: base64.b64decode(b"".join(data.split(b"\n")[1:-2])),
    "base64": lambda data: b"".join(data.split(b"\n")[1:-2]),
    "trusted": lambda data: data.replace(b" CERTIFICATE", b" TRUSTED CERTIFICATE"),
    "text between": lambda data: b"subject=\xfc\n" + data + b"issuer=\n" + data,
}


@pytest.mark.parametrize("form", AUTHORITIES)
def test_authorities_in_every_form(cmdlet, tenant, tmp_path, form):
    path = tmp_path / "authorities"
    path.write_bytes(AUTHORITIES[form](tenant.material.ca_file.read_bytes()))
    run = cmdlet("healthy", "--ca-file", path)
    assert (run.line, run.code) == (LINE, 0)


def test_a_damaged_authority_is_named_by_its_place(cmdlet, tenant, tmp_path):
    good = tenant.material.ca_file.read_bytes()
    path = tmp_path / "bundle"
    path.write_bytes(good + good[:300] + good[420:] + good)
    run = cmdlet("healthy", "--ca-file", path)
    assert (run.line[:38], run.code) == ("MAPI UNKNOWN - --ca-file: damaged in /", 3)
    assert f"damaged in {path}: certificate 2 of 3\n" in run.diagnosis


def test_files_of_windows_for_everything(check, tenant, tmp_path):
    """Client secret, ini, mailboxes and authorities as Windows PowerShell writes them."""
    material = tenant.material
    words = {
        "secret": material.secret,
        "list": "healthy@practice.example",
        "options.ini": "[probe]\r\nmethod = graph\r\nclient-secret-file = "
        + str(tmp_path / "secret"),
        "ca": material.ca_file.read_text(),
    }
    for name, text in words.items():
        private_file(tmp_path / name, f"{text}\r\n".encode("utf-16"))
    run = check(
        f"--extra-opts=graph-secret@{tenant.ini}",
        f"--extra-opts=probe@{tmp_path / 'options.ini'}",
        *("--mailbox-file", tmp_path / "list", "--ca-file", tmp_path / "ca", "--no-cache"),
    )
    assert (run.code, run.line[:48]) == (0, "MAPI OK - healthy@practice.example: Inbox listed")


def test_base64_of_a_pfx_that_others_can_read(check, tenant, tmp_path):
    path = tmp_path / "vault"
    path.write_bytes(base64.b64encode((tenant.material.directory / "probe.pfx").read_bytes()))
    path.chmod(0o644)
    run = check(f"--extra-opts=cmdlet@{tenant.ini}", "-m", "a@b.c", "--certificate", path)
    assert run.code == 3
    assert "holds a secret and is open to all users (mode 0644)" in run.stdout
