"""What ``gateway doctor`` says of the bucket with the payloads.

In charge of: trying it: whose it is, whether it overwrites, how far its clock is off. Two small objects below
``probe/`` are written for that, nothing else. Not in charge of: any other line (``doctor.py``).
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from gateway import config
from gateway.clock import SECOND, SystemClock
from gateway.errors import GatewayError
from gateway.model.text import Bilingual
from gateway.services import identity_of
from gateway.signature.keyring import Keyring
from gateway.store.buckets import open_blobs

SKEW_SECONDS = 300  # S3 refuses calls signed with a clock that is off by 15 minutes


def look(home: Path, loaded: config.Config) -> tuple[Bilingual | None, list[Bilingual]]:
    """That the bucket works, and what is wrong with it. Nothing at all where payloads are files."""
    if not loaded.payloads.url:
        return None, []
    try:
        with closing(open_blobs(home, loaded)) as blobs:
            objects = blobs.objects
            assert objects is not None
            refuses, there, owner = objects.refuses_to_overwrite(), objects.now(), objects.owner()
        ours = identity_of(Keyring.open(home / config.KEYS))
    except GatewayError as error:
        return None, [_away(loaded.payloads.url, error)]
    concerns = [] if refuses else [_OVERWRITES]
    if owner not in (None, ours):
        concerns.append(_OTHERS)
    skew = there - SystemClock().now() / SECOND
    if abs(skew) > SKEW_SECONDS:
        concerns.append(_skewed(skew))
    url = loaded.payloads.url
    good = Bilingual(f"Kho nội dung {url} đọc và ghi được", f"The bucket {url} can be read and written.")
    return good, concerns


def _away(url: str, error: GatewayError) -> Bilingual:
    return Bilingual(
        f"Kho nội dung {url} không dùng được: {error.text.vi} Hãy kiểm tra địa chỉ, khóa truy cập và mạng "
        "(docs/object-storage.md).",
        f"The bucket {url} cannot be used: {error.text.en} Check address, keys and network.",
    )


def _skewed(seconds: float) -> Bilingual:
    return Bilingual(
        f"Đồng hồ của kho nội dung lệch {seconds:.0f} giây so với máy này; hãy bật đồng bộ NTP ở cả hai nơi.",
        f"The clock of the bucket is off by {seconds:.0f} seconds from this machine; turn NTP on at both.",
    )


_OTHERS = Bilingual(
    "Kho nội dung đang thuộc về một bản cài đặt khác nên không được dọn; hãy chọn kho hoặc thư mục riêng.",
    "The bucket belongs to another installation and is not swept; choose a bucket or prefix of your own.",
)
_OVERWRITES = Bilingual(
    "Kho nội dung cho phép ghi đè (bỏ qua If-None-Match); hãy dùng phiên bản kho mới hơn "
    "(docs/object-storage.md).",
    "The bucket ignores If-None-Match and overwrites; use a newer release of the store.",
)
