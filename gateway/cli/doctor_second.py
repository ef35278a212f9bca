"""What ``gateway doctor`` says of the second disk and of a restore that nobody has settled.

In charge of: the sentences. Not in charge of: the lines around them (``doctor.py``).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from gateway import config
from gateway.clock import SystemClock, local_day
from gateway.flow.recovery import MARKER
from gateway.model.text import Bilingual
from gateway.store.second_copy import SUFFIX, SecondCopies


def look(home: Path, loaded: config.Config, least_free: int) -> Iterator[tuple[bool, str, Bilingual]]:
    """(all right, topic, sentence) of each thing to say; nothing where neither applies."""
    if (home / MARKER).exists():
        yield False, "recovery", _UNSETTLED
    if not loaded.durability.second_copy:
        return
    folder = Path(loaded.durability.second_copy)
    if not SecondCopies(folder).is_there():
        yield False, "second_copy", _away(folder)
        return
    limit = (local_day(SystemClock().now()) - timedelta(days=loaded.recall.backup_days)).isoformat()
    if old := sorted(day.parent.name for day in folder.glob(f"*/*{SUFFIX}") if day.parent.name < limit):
        yield False, "second_copy", _expired(old[0], limit)
    free = shutil.disk_usage(folder).free
    same = folder.stat().st_dev == home.stat().st_dev
    gib = f"{free / 1024**3:.1f} GB"
    if same:
        yield False, "second_copy", _SAME_DISK
    elif free < least_free:
        yield False, "second_copy", Bilingual(f"Ổ đĩa thứ hai chỉ còn {gib}.", f"Only {gib} free there.")
    else:
        yield True, "second_copy", Bilingual(f"Ổ đĩa thứ hai còn {gib}", f"{gib} free on the second disk.")


_UNSETTLED = Bilingual(
    "Vừa khôi phục bản sao lưu, chưa mở kỳ nhật ký mới: máy chủ không khởi động. Hãy chạy: gateway recovery "
    "accept --reason LÝ_DO",
    "A backup was restored and no epoch was opened: the server does not start. Run: gateway recovery accept "
    "--reason WHY",
)
_SAME_DISK = Bilingual(
    "Bản thứ hai (durability.second_copy) nằm cùng ổ đĩa với trục: hỏng ổ đĩa là mất cả hai. Hãy đặt trên ổ "
    "đĩa khác.",
    "The second copy lies on the same disk: one failure takes both. Put it on another.",
)


def _expired(oldest: str, limit: str) -> Bilingual:
    command = f"gateway recovery prune --before {limit}"
    return Bilingual(
        f"Ổ đĩa thứ hai còn bản sao từ ngày {oldest}, quá hạn recall.backup_days: văn bản đã hủy vẫn nằm "
        f"ở đó. Hãy sao lưu, kiểm tra bản sao lưu, rồi chạy: {command}",
        f"The second disk holds copies of {oldest}, older than recall.backup_days: what was destroyed still "
        f"lies there. Back up, verify that backup, then run: {command}",
    )


def _away(folder: Path) -> Bilingual:
    return Bilingual(
        f"Không thấy ổ đĩa thứ hai ở {folder}: trục không xác nhận gì. Hãy gắn lại ổ đĩa; nếu là thư mục "
        "mới, hãy chạy: gateway recovery prepare",
        f"The second disk is not at {folder}: nothing is acknowledged. Mount it; if the folder is new, run: "
        "gateway recovery prepare",
    )
