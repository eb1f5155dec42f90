"""`python -m generate`: write all of it."""

from __future__ import annotations

from . import ROOT, completion, director, documents, fish, grafana, icinga2, man, project

#: Who makes files.
MAKERS = (documents, man, completion, fish, icinga2, director, grafana, project)


def made() -> dict[str, str]:
    """Path below the root -> text, of all files."""
    return {path: text for maker in MAKERS for path, text in maker.files().items()}


if __name__ == "__main__":
    for name, content in made().items():
        (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / name).write_text(content)
