"""An InfluxDB server: writes, statements and buckets, with errors by what to do next."""

import json
import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

from monitorme_recorder import deflate
from monitorme_recorder.influx.errors import (
    InfluxError,
    NotAllowed,
    NotThere,
    Refused,
    TooMuch,
)
from monitorme_recorder.influx.settings import InfluxSettings, token_of

if TYPE_CHECKING:
    from influxdb_client.rest import ApiException
    from urllib3 import BaseHTTPResponse

log = logging.getLogger(__name__)

_LINES: Final = "text/plain; charset=utf-8"
_REFUSALS: Final = {400: "invalid", 422: "unprocessable entity"}
"""What InfluxDB calls a refusal of lines: anybody else's 400 is not about our lines."""
_DROPPED: Final = re.compile(r"\bdropped[= ](\d+)")
_LONGEST_TEXT: Final = 300


class InfluxServer:
    """Speaks with one InfluxDB through influxdb-client, synchronously, without retries.

    For any number of threads. Every method raises an InfluxError where it cannot.
    """

    def __init__(
        self, settings: InfluxSettings, environment: Mapping[str, str] = os.environ
    ) -> None:
        """Connect nothing yet; raises ConfigError where there is no token."""
        # Imported here: it takes a second, and most commands do without it.
        from influxdb_client import InfluxDBClient, WriteService

        self._settings = settings
        self._client = InfluxDBClient(
            url=settings.url,
            token=token_of(settings, environment),
            org=settings.org,
            timeout=int(settings.timeout_s * 1000),
            ssl_ca_cert=str(settings.ca_file) if settings.ca_file else None,
            retries=False,
        )
        self._writing = WriteService(self._client.api_client)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, bucket: str, lines: Sequence[str]) -> None:
        """Write lines and wait until they are on InfluxDB's disk.

        Writing the same lines again changes nothing.
        """
        # influxdb-client's own compression is zlib's level 9, which costs far more.
        body = deflate.gzip("\n".join(lines).encode())
        with _errors(self._settings.url):
            self._writing.post_write(
                org=self._settings.org,
                bucket=bucket,
                body=body,
                precision="ns",
                content_encoding="gzip",
                content_type=_LINES,
            )

    def flux(self, statements: str) -> bytes:
        """Return what Flux statements answer, as annotated CSV."""
        with _errors(self._settings.url):
            answer = self._client.query_api().query_raw(statements)
            data: bytes = answer.data
        return data

    def influxql(self, bucket: str, statement: str) -> Iterator[bytes]:
        """Return what an InfluxQL statement answers, a JSON document a line, lazily."""
        parameters = [
            ("db", bucket),
            ("q", statement),
            ("epoch", "ns"),
            ("chunked", "true"),
            ("chunk_size", "5000"),
        ]
        with _errors(self._settings.url):
            answer = self._client.api_client.call_api(
                "/query",
                "GET",
                query_params=parameters,
                header_params={"Accept": "application/json"},
                response_type=None,
                _return_http_data_only=True,
                _preload_content=False,
            )
            yield from _lines_of(answer)

    def ready(self) -> None:
        """Raise an InfluxError unless it answers, and lets us in."""
        with _errors(self._settings.url):
            self._client.organizations_api().find_organizations(org=self._settings.org)

    def make_buckets(self) -> list[str]:
        """Make the buckets that are not there; returns their names."""
        settings = self._settings
        wanted = {
            settings.bucket: settings.retention_days * 86_400,
            settings.waveform_bucket: settings.waveform_retention_hours * 3_600,
            settings.curve_bucket: settings.retention_days * 86_400,
        }
        return [name for name, keep_s in wanted.items() if self._make(name, keep_s)]

    def _make(self, bucket: str, keep_s: int) -> bool:
        from influxdb_client import BucketRetentionRules

        if self._has(bucket):
            return False
        rules = BucketRetentionRules(type="expire", every_seconds=keep_s)
        with _errors(self._settings.url):
            self._client.buckets_api().create_bucket(
                bucket_name=bucket, retention_rules=[rules], org=self._settings.org
            )
        log.info("made a bucket in InfluxDB name=%s keep_s=%d", bucket, keep_s)
        return True

    def _has(self, bucket: str) -> bool:
        buckets, org = self._client.buckets_api(), self._settings.org
        try:
            with _errors(self._settings.url):
                return bool(buckets.find_buckets(name=bucket, org=org).buckets)
        except NotThere:
            return False


def _lines_of(answer: "BaseHTTPResponse") -> Iterator[bytes]:
    try:
        rest = b""
        for block in answer.stream(1 << 16):
            *lines, rest = (rest + block).split(b"\n")
            yield from lines
        if rest:
            yield rest
    finally:
        # An answer that is not read to its end leaves a connection that is of no use.
        answer.close()


@contextmanager
def _errors(url: str) -> Iterator[None]:
    """Turn what influxdb-client and urllib3 say into an InfluxError."""
    from influxdb_client.rest import ApiException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ApiException as error:
        raise error_of(error, url) from error
    except (HTTPError, OSError) as error:
        text = f"InfluxDB at {url} does not answer: {_short(str(error))}"
        raise InfluxError(text) from error


def error_of(error: "ApiException", url: str) -> InfluxError:
    """Return an answer that is not 2xx as an error."""
    status = error.status or 0
    code, text = _said(error.body)
    where = f"InfluxDB at {url} says {status}: {_short(text) or error.reason}"
    if _REFUSALS.get(status) == code:
        dropped = _DROPPED.search(text)
        return Refused(where, dropped=int(dropped[1]) if dropped else None)
    match status:
        case 401 | 403:
            return NotAllowed(f"{where}; see to its token")
        case 404:
            return NotThere(f"{where}; see to organisation and bucket")
        case 413:
            return TooMuch(where)
    return InfluxError(where, wait_s=_retry_after_s(error.headers))


def _said(body: object) -> tuple[str, str]:
    """Return code and message of an answer; what is not InfluxDB's has no code."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")
    try:
        said: Any = json.loads(text)
        return str(said["code"]), str(said.get("message", ""))
    except (ValueError, TypeError, KeyError, AttributeError):
        return "", text


def _retry_after_s(headers: Mapping[str, str] | None) -> float | None:
    """Return the seconds of Retry-After; a date there is taken for nothing."""
    try:
        return max(0.0, float((headers or {})["Retry-After"]))
    except (KeyError, ValueError):
        return None


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]} …"
