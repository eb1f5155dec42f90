"""Makes dist/check_mapi_connectivity.pyz, one file that runs on any Linux.

In it are the package and all that it needs which is pure Python, as `requirements.txt` names it by
version and hash, each with its licence. cryptography is not in it: it is machine code for one
architecture, and its OpenSSL needs security updates. The system's own is used. The same source
gives the same bytes.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RESULT = ROOT / "dist" / "check_mapi_connectivity.pyz"

#: The oldest Python that it is to run on.
OLDEST = "3.9"


def wheels(directory: Path) -> dict[str, bytes]:
    """Name in the archive -> content, of all libraries."""
    pip = (sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check")
    pure = ("--only-binary=:all:", "--platform=any", "--implementation=py", "--abi=none")
    wanted = ("--require-hashes", "--no-deps", f"--requirement={HERE / 'requirements.txt'}")
    where = (f"--python-version={OLDEST}", f"--dest={directory}")
    subprocess.run([*pip, *pure, *wanted, *where], check=True)
    found = {}
    for path in sorted(directory.glob("*.whl")):
        with zipfile.ZipFile(path) as wheel:
            # RECORD is for whoever uninstalls.
            found.update(
                {
                    name: wheel.read(name)
                    for name in wheel.namelist()
                    if not name.endswith(("/", ".dist-info/RECORD"))
                }
            )
    return found


def own(directory: Path) -> dict[str, bytes]:
    """The same, of the package and of this directory."""
    subprocess.run([ROOT / "packaging" / "source", directory], check=True)
    found = {name: (HERE / name).read_bytes() for name in ("__main__.py", "certifi.py")}
    with tarfile.open(next(directory.glob("*.tar.gz"))) as source:
        for member in source.getmembers():
            name = member.name.partition("/")[2]
            content = source.extractfile(member)
            if content and (name == "LICENSE" or name.startswith("check_mapi_connectivity/")):
                found[name] = content.read()
    return found


def archive(files: dict[str, bytes], moment: float) -> bytes:
    """An archive of them that starts by itself; all is of `moment`, in seconds since 1970."""
    packed = io.BytesIO(b"#!/usr/bin/env python3\n")
    packed.seek(0, os.SEEK_END)
    with zipfile.ZipFile(packed, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, time.gmtime(moment)[:6])
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(entry, content)
    return packed.getvalue()


def main() -> None:
    """Make it."""
    moment = subprocess.run(
        [ROOT / "packaging" / "epoch"], check=True, capture_output=True, text=True
    ).stdout
    with tempfile.TemporaryDirectory() as directory:
        files = {**wheels(Path(directory)), **own(Path(directory))}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_bytes(archive(files, float(moment)))
    RESULT.chmod(0o755)


if __name__ == "__main__":
    main()
