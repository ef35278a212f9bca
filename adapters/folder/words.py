"""What people are told about folders.

In charge of: a stable code and a sentence for everything that a file system refuses. Not in charge of: what
is done about it.
"""

from __future__ import annotations

import errno

from gateway.model.text import Bilingual

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_LINK = (errno.ELOOP, errno.ENOTDIR)


def told(error: OSError, place: str) -> tuple[str, Bilingual]:
    """The code and the sentence for an error at ``place`` (the agency's folder, as it was set)."""
    if error.errno == errno.ENOENT:
        return "folder.missing", _missing(place)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "folder.not_permitted", _not_permitted(place)
    if error.errno in _FULL:
        return "folder.full", _full(place)
    if error.errno in _LINK:
        return "folder.link", _link(place)
    return "folder.unusable", _unusable(place, error.strerror or str(error))


def _missing(place: str) -> Bilingual:
    return Bilingual(
        f"Không thấy thư mục “{place}” hoặc một trong bốn thư mục con in, out, sent, refused. Hãy kiểm tra "
        "ổ đĩa mạng đã được gắn chưa.",
        f"The folder “{place}” or one of in, out, sent, refused in it is not there. Is its share mounted?",
    )


def _not_permitted(place: str) -> Bilingual:
    return Bilingual(
        f"Trục không có quyền đọc hoặc ghi trong thư mục “{place}”. Hãy cấp quyền cho tài khoản của trục.",
        f"The gateway may not read or write in the folder “{place}”. Give its account the right to.",
    )


def _full(place: str) -> Bilingual:
    return Bilingual(
        f"Ổ đĩa của thư mục “{place}” đã đầy. Hãy giải phóng dung lượng.",
        f"The disk of the folder “{place}” is full.",
    )


def _link(place: str) -> Bilingual:
    return Bilingual(
        f"Trong đường dẫn “{place}” có liên kết (symlink) hoặc tệp thay cho thư mục; trục không đi theo liên "
        "kết. Hãy dùng thư mục thật.",
        f"A part of “{place}” is a symbolic link or no folder; the gateway follows no links.",
    )


def _unusable(place: str, words: str) -> Bilingual:
    return Bilingual(
        f"Không dùng được thư mục “{place}”: {words}.", f"The folder “{place}” cannot be used: {words}."
    )


def name_taken(name: str) -> Bilingual:
    """Somebody changed a file that was dropped."""
    return Bilingual(
        f"Trong thư mục in đã có tệp {name} với nội dung khác. Hãy chuyển tệp đó đi nơi khác.",
        f"The folder in holds a file {name} with other content. Move it away.",
    )


NO_ROOT = Bilingual(
    "Chưa đặt net.folders: thư mục gốc chứa các thư mục gửi, nhận. Quản trị viên hãy đặt trong gateway.toml.",
    "net.folders is not set: the folder below which all drop folders lie. Set it in gateway.toml.",
)
BAD_PATH = Bilingual(
    "Thiết lập path phải là đường dẫn tương đối bên dưới net.folders, ví dụ H37.03; không được có “..”, dấu "
    "“\\” hoặc phần bắt đầu bằng dấu chấm.",
    "The setting path must be a relative path below net.folders, such as H37.03, without “..”, backslashes "
    "or parts that begin with a dot.",
)
CHANGED = Bilingual(
    "Nội dung đọc được không khớp mã băm đã ghi; trục sẽ thử lại.",
    "The bytes do not have the recorded hash; it is tried again.",
)

__all__ = ["BAD_PATH", "CHANGED", "NO_ROOT", "name_taken", "told"]
