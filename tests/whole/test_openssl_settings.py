"""Settings of OpenSSL that an administrator made for another program."""

from __future__ import annotations

import pytest

PROVIDERS = "openssl_conf = all\n[all]\nproviders = some\n[some]\n{0} = one\n[one]\nactivate = 1\n"
SETTINGS = "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = tls\n[tls]\n{0}\n"


@pytest.fixture
def run(check, tenant, tmp_path):
    """`run(text)` -> a run of the section cmdlet where openssl.cnf has this text."""

    def made(text):
        path = tmp_path / "openssl.cnf"
        path.write_text(text)
        # Of the system's own store only the directory is read at first, which asks OpenSSL nothing.
        (tmp_path / "certs").mkdir(exist_ok=True)
        (tmp_path / "certs" / "0123abcd.0").write_text("")
        store = {"SSL_CERT_FILE": "", "SSL_CERT_DIR": tmp_path / "certs"}
        done = check(f"--extra-opts=cmdlet@{tenant.ini}", "--no-cache", OPENSSL_CONF=path, **store)
        return done, path

    return made


@pytest.mark.parametrize("setting", ["CipherString = NONE_OF_THESE", "Groups = none_of_these"])
def test_what_openssl_cannot_read_there_is_not_the_authoritys_fault(run, setting):
    """OpenSSL passes over it, and its error is left for whoever asks next."""
    done, _ = run(SETTINGS.format(setting))
    assert (done.code, done.line.split(":")[0]) == (0, "MAPI OK - healthy@practice.example")


def test_no_provider_of_algorithms(run):
    """`base` has none. So it is where somebody activates `legacy`, and not `default` beside it."""
    done, path = run(PROVIDERS.format("base"))
    text = f"OpenSSL of this host is left without algorithms by {path}; have it activate the default provider, too"
    assert text in f"{done.line} {' '.join(done.diagnosis.split())}"
    assert (done.code, "report it" in done.line) == (3, False)
