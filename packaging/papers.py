"""Makes what is beside the packages of a release in dist/: an SBOM of the zipapp (SPDX 2.3), the
release notes out of CHANGELOG.md, and SHA256SUMS of all files.

The same packages give the same papers.
"""

from __future__ import annotations

import configparser
import email.parser
import hashlib
import json
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NAME = "check_mapi_connectivity"
NONE = "NOASSERTION"

#: Licences that older metadata names in words, and their identifiers in SPDX's list.
_IDENTIFIERS = {
    "Apache 2.0": "Apache-2.0",
    "Apache-2.0": "Apache-2.0",
    "BSD-3-Clause": "BSD-3-Clause",
    "ISC": "ISC",
    "MIT": "MIT",
    "MIT License": "MIT",
    "ZPL-2.1": "ZPL-2.1",
}


#: What projects call their home page, the best name first.
_HOMES = ("homepage", "home", "source", "code", "repository")


def version(root: Path) -> str:
    """The version that the package names."""
    text = (root / NAME / "__init__.py").read_text()
    found = re.search(r'^__version__ = "(.*)"$', text, re.MULTILINE)
    if found is None:
        raise ValueError("the package names no version")
    return found[1]


def notes(changelog: str, number: str) -> str:
    """The section of a version, without its heading. Raises ValueError where there is none."""
    heading = rf"^## \[{re.escape(number)}\] - [^\n]*\n"
    found = re.search(heading + r"(.*?)(?=^## \[|\Z)", changelog, re.MULTILINE | re.DOTALL)
    if found is None or not found[1].strip():
        raise ValueError(f"CHANGELOG.md says nothing of {number}")
    return f"# {NAME} {number}\n\n{found[1].strip()}\n"


def libraries(archive: Path) -> list[dict[str, str]]:
    """Name, version, licence and home page of each library in a zipapp, by its own metadata."""
    found = []
    with zipfile.ZipFile(archive) as packed:
        for path in sorted(packed.namelist()):
            if path.endswith(".dist-info/METADATA"):
                found.append(_library(packed.read(path).decode()))
    return found


def _library(metadata: str) -> dict[str, str]:
    told = email.parser.Parser().parsestr(metadata, headersonly=True)
    pages = [line.partition(", ") for line in told.get_all("Project-URL", [])]
    named = {label.lower(): url for label, _, url in pages}
    home = told["Home-page"] or next((named[one] for one in _HOMES if one in named), NONE)
    # What is no identifier is not guessed at.
    licence = told["License-Expression"] or _IDENTIFIERS.get(told["License"] or "", NONE)
    return {"name": told["Name"], "version": told["Version"], "licence": licence, "home": home}


def sbom(archive: Path, root: Path, moment: int) -> dict[str, Any]:
    """The SPDX document of a zipapp that was made at `moment`, in seconds since 1970."""
    settings = configparser.ConfigParser()
    settings.read(root / "setup.cfg")
    own, number = settings["metadata"], version(root)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    whole = _package(NAME, number, own["license"], own["url"])
    whole["packageFileName"] = archive.name
    whole["comment"] = "cryptography is the system's own: it is needed, and not in this file"
    whole["checksums"] = [{"algorithm": "SHA256", "checksumValue": digest}]
    parts = []
    for one in libraries(archive):
        part = _package(one["name"], one["version"], one["licence"], one["home"])
        place = f"pkg:pypi/{re.sub('[-_.]+', '-', one['name']).lower()}@{one['version']}"
        part["externalRefs"] = [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": place,
            }
        ]
        parts.append(part)
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", whole)]
    relations += [(whole["SPDXID"], "CONTAINS", part) for part in parts]
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{archive.name} {number}",
        "documentNamespace": f"{own['url']}/spdx/{NAME}-{number}-{digest}",
        "creationInfo": {
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment)),
            "creators": [f"Organization: {own['maintainer']}", "Tool: packaging/papers.py"],
        },
        "packages": [whole, *parts],
        "relationships": [
            {
                "spdxElementId": of,
                "relationshipType": kind,
                "relatedSpdxElement": package["SPDXID"],
            }
            for of, kind, package in relations
        ],
    }


def _package(name: str, number: str, licence: str, home: str) -> dict[str, Any]:
    """One package; what its metadata does not say is not asserted."""
    return {
        "name": name,
        "SPDXID": f"SPDXRef-{re.sub('[^A-Za-z0-9.]+', '-', name)}",
        "versionInfo": number,
        "downloadLocation": NONE,
        "homepage": home,
        "filesAnalyzed": False,
        "licenseConcluded": NONE,
        "licenseDeclared": licence,
        "copyrightText": NONE,
    }


def sums(directory: Path) -> str:
    """What `sha256sum -c` reads, of all files but itself."""
    files = sorted(path for path in directory.iterdir() if path.name != "SHA256SUMS")
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files
    )


def main(root: Path = ROOT) -> None:
    """Write them."""
    made, number = root / "dist", version(root)
    moment = subprocess.run(
        [root / "packaging" / "epoch"], check=True, capture_output=True, text=True
    ).stdout
    archive = made / f"{NAME}.pyz"
    document = json.dumps(sbom(archive, root, int(moment)), indent=2)
    (made / f"{archive.name}.spdx.json").write_text(f"{document}\n")
    told = notes((root / "CHANGELOG.md").read_text(), number)
    (made / "RELEASE-NOTES.md").write_text(told)
    (made / "SHA256SUMS").write_text(sums(made))


if __name__ == "__main__":
    main(*(Path(word).resolve() for word in sys.argv[1:]))
