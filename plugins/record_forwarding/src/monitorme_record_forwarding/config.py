"""The settings of record forwarding."""

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from monitorme.plugin import PluginConfig


class RecordForwardingConfig(PluginConfig):
    """Settings of record forwarding."""

    mymedicaldata_url: str | None = None
    """Where MyMedicalData takes FHIR transaction Bundles; none keeps them here."""
    monitorthem_url: str | None = None
    """Where MonitorThem takes CloudEvents; without, events stay here."""
    timeout_s: float = Field(default=10.0, gt=0)
    """How long an answer may take."""
    first_retry_s: float = Field(default=1.0, gt=0)
    """The first wait after a failure; each further one is twice as long."""
    longest_retry_s: float = Field(default=300.0, gt=0)
    """The longest wait after a failure. It is tried for ever."""

    @field_validator("mymedicaldata_url", "monitorthem_url")
    @classmethod
    def _is_confidential(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        is_here = parts.hostname in ("127.0.0.1", "localhost", "::1")
        if parts.scheme != "https" and not (parts.scheme == "http" and is_here):
            raise ValueError(
                "must be https: patients' records never leave this machine in the clear"
            )
        return url
