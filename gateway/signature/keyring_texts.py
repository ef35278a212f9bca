"""What the keyring says when it cannot be used, in sentences.

In charge of: the words. Not in charge of: when they are said (``keyring``).
"""

from __future__ import annotations

from pathlib import Path

from gateway.model.text import Bilingual


def text_tls(error: OSError) -> Bilingual:
    return Bilingual(
        f"Không dùng được tệp ở net.tls_certificate, net.tls_key hoặc net.tls_ca: {error}",
        f"A file of net.tls_certificate, net.tls_key or net.tls_ca cannot be used: {error}",
    )


def text_exists(folder: Path) -> Bilingual:
    return Bilingual(
        f"Thư mục {folder} đã có bộ khóa của trục; khóa không bao giờ bị ghi đè.",
        f"{folder} already holds a keyring; keys are never overwritten.",
    )


def text_missing(folder: Path) -> Bilingual:
    return Bilingual(
        f"Chưa có bộ khóa của trục trong {folder}. Hãy khởi tạo trục hoặc khôi phục thư mục từ bản sao lưu.",
        f"There is no keyring in {folder}. Initialise the gateway, or restore this folder from the backup.",
    )


def text_damaged(folder: Path, problem: Exception) -> Bilingual:
    return Bilingual(
        f"Bộ khóa trong {folder} thiếu hoặc hỏng tệp ({problem}). Hãy khôi phục thư mục này từ bản sao lưu.",
        f"The keyring in {folder} is incomplete or damaged ({problem}). Restore this folder from the backup.",
    )


def text_loose(path: Path) -> Bilingual:
    wanted = "700" if path.is_dir() else "600"
    return Bilingual(
        f"Người dùng khác trên máy chủ đọc được {path}. Hãy chạy: chmod {wanted} {path}",
        f"Other users of this machine can read {path}. Run: chmod {wanted} {path}",
    )


def text_no_wrapping_key(number: int) -> Bilingual:
    return Bilingual(
        f"Thiếu khóa bọc số {number}. Hãy khôi phục thư mục khóa từ bản sao lưu cùng ngày với dữ liệu.",
        f"Wrapping key {number} is missing. Restore the key folder from the same backup as the data.",
    )
