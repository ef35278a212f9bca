"""From settings to the place of payloads.

In charge of: files alone, or a bucket beside them, as configured. Not in charge of: what they do.
"""

from __future__ import annotations

from pathlib import Path

from gateway.config import PAYLOADS, Config
from gateway.errors import NotReady
from gateway.model.text import Bilingual
from gateway.store.blobs import Blobs
from gateway.store.cache import Cache


def open_blobs(home: Path, config: Config) -> Blobs:
    """The payloads of an installation; nothing is dialled. ``NotReady``: a wrong address, no ``obstore``."""
    given, folder = config.payloads, home / PAYLOADS
    if not given.url:
        return Blobs(folder)
    try:
        from gateway.store.objects import Bucket, Objects
    except ImportError as error:
        raise NotReady(_NOT_INSTALLED, code="payloads.obstore") from error
    bucket = Bucket(
        given.url,
        given.endpoint,
        given.region,
        given.access_key,
        given.secret_key,
        given.path_style,
        given.allow_http,
        given.timeout_seconds,
    )
    objects = Objects(bucket, Cache(folder / "cache", given.cache_bytes), folder / "staging")
    return Blobs(folder, objects=objects, into_bucket=given.new == "bucket")


_NOT_INSTALLED = Bilingual(
    "Chưa cài gói obstore để dùng kho S3. Hãy cài document-gateway kèm phần bổ sung “s3”.",
    "obstore is not installed. Install document-gateway with the extra “s3”.",
)
