"""A form that brings a text (a CSV, a calendar), and brings it again when a person has seen its preview.

In charge of: reading it as UTF-8, within what fits into a hidden field of the second form. Not in charge of:
what the text means.
"""

from __future__ import annotations

from gateway.errors import BadRequest
from gateway.model.text import Bilingual
from gateway.web.console.forms import FIELD_BYTES, File, Form
from gateway.web.console.page import Visit
from gateway.web.console.transfer import parts_of

MOST = 60_000  # bytes: about a thousand lines; longer files go through the command line
_REQUEST = 4 * FIELD_BYTES


async def form_with_text(visit: Visit, command: str) -> tuple[Form, str]:
    """The fields, and the text: of the file, else of the field ``text``. ``BadRequest`` without any, for what
    is no text, and (naming ``command``) for what is too long."""
    form, data = Form(), b""
    async for part in parts_of(visit, _REQUEST):
        if isinstance(part, File):
            data += b"".join([chunk async for chunk in part.chunks])
        else:
            form = part
    if len(data) > MOST:
        raise BadRequest(_too_long(command), code="form.text_too_long")
    try:
        text = data.decode("utf-8-sig") or form.secret("text")
    except UnicodeDecodeError as error:
        raise BadRequest(_NO_TEXT, code="form.not_text") from error
    if not text.strip():
        raise BadRequest(_NO_FILE, code="form.no_file")
    return form, text.replace("\r\n", "\n")


def _too_long(command: str) -> Bilingual:
    return Bilingual(
        f"Tệp dài quá {MOST // 1000} KB. Hãy chia nhỏ tệp, hoặc nhập tại máy chủ bằng lệnh: {command}",
        f"The file is longer than {MOST // 1000} KB. Split it, or import it on the server with: {command}",
    )


_NO_TEXT = Bilingual(
    "Tệp không phải văn bản UTF-8. Hãy lưu lại tệp với bảng mã UTF-8 rồi chọn lại.",
    "The file is no UTF-8 text. Save it as UTF-8, then choose it again.",
)
_NO_FILE = Bilingual("Hãy chọn một tệp có nội dung.", "Choose a file that holds something.")

__all__ = ["MOST", "form_with_text"]
