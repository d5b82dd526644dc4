"""Bring the configuration blocks of the plugins' READMEs up to date (`make docs`)."""

from pathlib import Path

from monitorme import installed
from monitorme.sample import in_readme

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Rewrite each README whose block has drifted."""
    for one in installed.find():
        if not one.provides_plugin or one.name == "registry":
            continue
        folder = ROOT / "plugins" / one.name
        path = (folder if folder.is_dir() else ROOT / one.name) / "README.md"
        text = path.read_text(encoding="utf-8")
        path.write_text(in_readme(one.plugin(), text), encoding="utf-8")


if __name__ == "__main__":
    main()
