"""The sample configuration of a site, as `monitorme config` writes it."""

from importlib import resources

from monitorme import installed
from monitorme.sample import render, render_site

_HEAD = """\
# A site's configuration. Every option is shown; one that is commented out shows its
# default. Written by `monitorme config`; checked with `monitorme doctor`.

"""


def sample_files() -> dict[str, str]:
    """Return every sample file by name, for all that is installed and can be loaded."""
    blocks = [_HEAD + render_site()]
    further: dict[str, str] = {}
    for distribution in installed.find():
        if distribution.provides_plugin:
            blocks.append(render(distribution.plugin()))
        further.update(distribution.samples())
    vitals = resources.files("monitorme") / "defaults" / "vitals.toml"
    return {
        "site.toml": "\n".join(blocks),
        "vitals.toml": vitals.read_text(encoding="utf-8"),
        **further,
    }
