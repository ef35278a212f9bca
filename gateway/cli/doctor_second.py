"""What ``gateway doctor`` says of the second disk and of a restore that nobody has settled.

In charge of: the sentences. Not in charge of: the lines around them (``doctor.py``).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from gateway import config
from gateway.flow.recovery import MARKER
from gateway.model.text import Bilingual
from gateway.store.second_copy import SecondCopies


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


def _away(folder: Path) -> Bilingual:
    return Bilingual(
        f"Không thấy ổ đĩa thứ hai ở {folder}: trục không xác nhận gì. Hãy gắn lại ổ đĩa; nếu là thư mục "
        "mới, hãy chạy: gateway recovery prepare",
        f"The second disk is not at {folder}: nothing is acknowledged. Mount it; if the folder is new, run: "
        "gateway recovery prepare",
    )
