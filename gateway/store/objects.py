"""Payloads as objects of an S3-compatible bucket.

In charge of: every call to the bucket (the only file that makes any), what an answer means, reading through
the cache, and whose bucket it is. Not in charge of: encryption (``blobs``: the bucket only ever sees sealed
bytes), or when to sweep.

``obstore`` opens sockets of its own, past ``net.py``: the address is the operator's setting and no partner's
word, so ``net.allow_private`` does not bind it. An object is written once, with ``If-None-Match: *``, in one
request; it counts as kept when the bucket has said so and shows it with the right size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

import structlog
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from gateway.clock import random_bytes
from gateway.errors import NotReady
from gateway.model.text import Bilingual
from gateway.store.cache import Cache
from gateway.store.contract import AWAY_RETRY, StoreUnavailable
from gateway.store.places import Damaged, Lying, Sealed, checked, is_payload, owner_only

log = structlog.get_logger("gateway.objects")

PART = 4 * 1_048_576  # bytes of one read
PAGE = 1_000  # names in one answer of the bucket
RETRIES = 2  # of one call, by the library: refused connections, 5xx and SlowDown
OWNER = "owner"  # whose payloads lie under the prefix
PROBE = "probe/now"  # overwritten to learn the bucket's time
TRIED = "probe/create"  # written twice to learn whether the second is refused


class BucketUnavailable(StoreUnavailable):
    """The object store with the payloads does not answer, or refuses us; try again shortly."""

    code = "payloads.unavailable"
    vi = "Kho lưu nội dung văn bản tạm thời không đáp ứng; hãy gửi lại sau ít phút."


@dataclass(frozen=True, slots=True)
class Bucket:
    """How a bucket is reached. ``url``: ``s3://bucket/prefix``; ``endpoint`` empty: AWS itself."""

    url: str
    endpoint: str = ""
    region: str = "us-east-1"
    access_key: str = ""
    secret_key: str = ""
    path_style: bool = True
    allow_http: bool = False
    timeout_seconds: float = 30


class Objects:
    """A place in a bucket. ``staging``: a folder for what is being fetched, on the cache's file system."""

    def __init__(
        self,
        bucket: Bucket,
        cache: Cache,
        staging: Path,
        random: Callable[[int], bytes] = random_bytes,
    ) -> None:
        self.bucket, self.cache, self.staging, self.random = bucket, cache, staging, random
        self._store = _connected(bucket)

    def keep(self, name: str, sealed: Sealed) -> None:
        """One PUT that overwrites nothing, then a look at what came of it."""
        data = _whole(sealed)
        with _answering("PUT", name), suppress(AlreadyExistsError):
            # It exists: an answer to our own try was lost. The name holds 64 random bits of this upload.
            self._store.put(checked(name), data, mode="create", use_multipart=False)
        if self.size(name) != len(data):
            _warn("an object is not there as it was written", name=name)
            raise BucketUnavailable(retry_after=AWAY_RETRY)
        if sealed.out is not None:
            sealed.out.close()
            sealed.out = None
        self._remember(name, data, sealed)

    def remove(self, name: str) -> None:
        self.cache.drop(name)
        with _answering("DELETE", name), suppress(FileNotFoundError):
            self._store.delete(checked(name))

    def size(self, name: str) -> int | None:
        with _answering("HEAD", name):
            try:
                return int(self._store.head(checked(name))["size"])
            except FileNotFoundError:
                return None

    def pages(self) -> Iterator[list[Lying]]:
        with _answering("LIST", ""):
            for page in self._store.list(chunk_size=PAGE):
                found = [
                    Lying(meta["path"], meta["size"], meta["last_modified"].timestamp())
                    for meta in page
                    if is_payload(meta["path"])
                ]
                if found:
                    yield sorted(found, key=lambda lying: lying.name)

    def now(self) -> float:
        with _answering("PUT", PROBE):
            self._store.put(PROBE, b"now", use_multipart=False)
            return self._store.head(PROBE)["last_modified"].timestamp()

    def parts(self, name: str) -> Iterator[bytes]:
        """An object as it lies there, in parts, past the cache. ``Damaged``: there is none."""
        start, size = 0, 1
        while start < size:
            with _answering("GET", name):
                try:
                    answer = self._store.get(checked(name), options={"range": (start, start + PART)})
                    size, data = answer.meta["size"], bytes(answer.bytes())
                except FileNotFoundError as error:
                    raise Damaged() from error
            if not data:
                raise BucketUnavailable(retry_after=AWAY_RETRY)
            start += len(data)
            yield data

    def open(self, name: str, size: int, is_intact: Callable[[BinaryIO], bool]) -> BinaryIO:
        """The object as an open file, at its beginning: from the cache if it is intact there, else fetched.
        ``Damaged``: there is none, or it is not what was kept."""
        cached = self.cache.open(name, size)
        if cached is not None:
            if _proven(cached, is_intact):
                return cached
            cached.close()
            _warn("a damaged file of the cache was dropped", name=name)
            self.cache.drop(name)
        return self._fetch(name, size, is_intact)

    def claim(self, owner: str) -> None:
        """Write our name on the bucket, once. ``NotReady``: another installation's is there, and sweeping
        would delete what it keeps."""
        with _answering("PUT", OWNER):
            try:
                self._store.put(OWNER, owner.encode(), mode="create", use_multipart=False)
                return
            except AlreadyExistsError:
                found = bytes(self._store.get(OWNER).bytes())
        if found != owner.encode():
            raise NotReady(_OTHERS, code="payloads.other")

    def owner(self) -> str | None:
        """Whose name stands on the bucket; ``None``: nobody's yet."""
        with _answering("GET", OWNER):
            try:
                return bytes(self._store.get(OWNER).bytes()).decode()
            except FileNotFoundError:
                return None

    def refuses_to_overwrite(self) -> bool:
        """Whether the bucket heeds ``If-None-Match: *``."""
        with _answering("PUT", TRIED):
            self._store.put(TRIED, b"first", use_multipart=False)
            try:
                self._store.put(TRIED, b"second", mode="create", use_multipart=False)
            except AlreadyExistsError:
                return True
        return False

    def _fetch(self, name: str, size: int, is_intact: Callable[[BinaryIO], bool]) -> BinaryIO:
        path = self.staging / self.random(16).hex()
        file: BinaryIO | None = None
        try:
            with open(path, "xb", opener=owner_only) as out:
                for part in self.parts(name):
                    out.write(part)
            file = path.open("rb", 0)
            if path.stat().st_size != size or not _proven(file, is_intact):
                raise Damaged()
            self.cache.take(name, path, size)
            return file
        except BaseException:
            if file is not None:
                file.close()
            path.unlink(missing_ok=True)
            raise

    def _remember(self, name: str, data: bytes, sealed: Sealed) -> None:
        """Who took it in often hands it on. A disk that is full costs a fetch, nothing else."""
        path, sealed.path = sealed.path, None
        with suppress(OSError):
            if path is None:
                path = self.staging / self.random(16).hex()
                with open(path, "xb", opener=owner_only) as out:
                    out.write(data)
            self.cache.take(name, path, len(data))
        if path is not None:
            path.unlink(missing_ok=True)


def _connected(bucket: Bucket) -> S3Store:
    """Nothing is dialled yet."""
    scheme, _, rest = bucket.url.partition("://")
    name, _, prefix = rest.partition("/")
    if scheme != "s3" or not name:
        raise NotReady(_NO_BUCKET, code="config.wrong")
    given = {
        "endpoint": bucket.endpoint,
        "access_key_id": bucket.access_key,
        "secret_access_key": bucket.secret_key,
    }
    return S3Store(
        name,
        prefix=prefix.strip("/") or None,
        region=bucket.region,
        virtual_hosted_style_request=not bucket.path_style,
        client_options={
            "allow_http": bucket.allow_http,
            "timeout": timedelta(seconds=bucket.timeout_seconds),
            "connect_timeout": timedelta(seconds=min(5.0, bucket.timeout_seconds)),
        },
        retry_config={
            "max_retries": RETRIES,
            "retry_timeout": timedelta(seconds=bucket.timeout_seconds),
        },
        **{key: value for key, value in given.items() if value},  # type: ignore[arg-type]
    )


def _whole(sealed: Sealed) -> bytes:
    """All of it in memory: a request that overwrites nothing is a single one."""
    if sealed.out is None or sealed.path is None:
        return bytes(sealed.memory)
    sealed.flush()
    return sealed.path.read_bytes()


def _proven(file: BinaryIO, is_intact: Callable[[BinaryIO], bool]) -> bool:
    """Whether it is intact; at its beginning again."""
    proven = is_intact(file)
    file.seek(0)
    return proven


@contextmanager
def _answering(call: str, name: str) -> Iterator[None]:
    """``BucketUnavailable`` for whatever the library raises, a missing bucket among it."""
    try:
        yield
    except (BaseError, FileNotFoundError) as error:
        _warn("the bucket did not do it", call=call, name=name, error=str(error).split("\n")[0][:300])
        raise BucketUnavailable(retry_after=AWAY_RETRY) from error


def _warn(what: str, **about: str) -> None:
    """For the log of a server; a command says it in its own words, on the screen that it has to itself."""
    if structlog.is_configured():
        log.warning(what, **about)


_NO_BUCKET = Bilingual(
    "Địa chỉ kho lưu nội dung (payloads.url) phải có dạng s3://tên-kho/thư-mục.",
    "The setting payloads.url has to read s3://bucket/prefix.",
)
_OTHERS = Bilingual(
    "Kho lưu nội dung (payloads.url) đang thuộc về một bản cài đặt khác; hãy chọn kho hoặc thư mục riêng.",
    "The bucket and prefix in payloads.url belong to another installation; choose one of your own.",
)
