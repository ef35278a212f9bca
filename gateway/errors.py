"""Every error that leaves the gateway, in one tree.

    GatewayError
    ├── Unreadable             422  the bytes are not an edXML message we can read
    ├── Refused                422  readable, but the gate does not take it (findings say why)
    ├── DuplicateConflict      409  a known DocumentId with other content
    ├── NotAuthenticated       401  who is calling?
    ├── NotPermitted           403  known, but may not do this
    ├── NotFound               404  no such thing, or not yours
    ├── WrongState             409  the thing exists, but not in a state that allows this
    │   └── Archived           409  a part of it was taken out into the archive
    ├── BadRequest             400  the call itself is malformed
    │   ├── UnsupportedMedia   415  a body of another media type, or compressed
    │   └── TooSlow            408  the body did not arrive in time
    ├── TooLarge               413  over a limit
    ├── TooMany                429  this caller is over its rate; has a retry_after
    ├── Busy                   503  full or shutting down; has a retry_after
    └── NotReady                    local: home folder missing, lock held, key missing, …

Three families never mix: a wrong document is a finding, an unavailable world is ``port.TryLater``, a wrong
program is any other exception. A docstring is the default English text; ``vi`` is its Vietnamese twin.
"""

from __future__ import annotations

from gateway.model.finding import Finding
from gateway.model.text import Bilingual


class GatewayError(Exception):
    """The gateway could not do this."""

    code = "gateway.error"
    http_status = 500
    vi = "Trục không thực hiện được yêu cầu này."

    def __init__(
        self,
        text: Bilingual | None = None,
        *,
        code: str = "",
        findings: tuple[Finding, ...] = (),
        retry_after: int = 0,
    ) -> None:
        self.text = text or Bilingual(self.vi, (self.__doc__ or "").strip().splitlines()[0])
        self.code = code or self.code
        self.findings = findings
        self.retry_after = retry_after  # seconds; 0: do not retry unchanged
        super().__init__(f"{self.code}: {self.text.en}")


class Unreadable(GatewayError):
    """The upload is not an edXML message that can be read."""

    code = "envelope.unreadable"
    http_status = 422
    vi = "Tệp gửi lên không phải là gói tin edXML đọc được."


class Refused(GatewayError):
    """The gate does not take this message; each finding says why."""

    code = "submission.refused"
    http_status = 422
    vi = "Trục không chuyển gói tin này; từng lý do được nêu bên dưới."


class DuplicateConflict(GatewayError):
    """This DocumentId was already used by the same agency for another content."""

    code = "duplicate.conflict"
    http_status = 409
    vi = "Mã định danh văn bản này đã được chính cơ quan gửi dùng cho một nội dung khác."


class NotAuthenticated(GatewayError):
    """The caller did not prove who it is. Send a valid API key or client certificate."""

    code = "caller.unknown"
    http_status = 401
    vi = "Chưa xác thực được hệ thống gọi. Hãy gửi khóa API hoặc chứng thư hợp lệ."


class NotPermitted(GatewayError):
    """The caller may not do this."""

    code = "caller.not_permitted"
    http_status = 403
    vi = "Hệ thống gọi không có quyền thực hiện việc này."


class NotFound(GatewayError):
    """There is no such thing, or it does not belong to the caller."""

    code = "not_found"
    http_status = 404
    vi = "Không tìm thấy, hoặc không thuộc đơn vị của hệ thống gọi."


class WrongState(GatewayError):
    """The present state does not allow this."""

    code = "state.not_allowed"
    http_status = 409
    vi = "Trạng thái hiện tại không cho phép thao tác này."


class Archived(WrongState):
    """A part of this was taken out into the archive; attach its month first."""

    code = "archive.away"
    vi = "Một phần dữ liệu này đã được tách ra lưu trữ; hãy gắn lại tháng đó trước."


class BadRequest(GatewayError):
    """The request is malformed."""

    code = "request.malformed"
    http_status = 400
    vi = "Yêu cầu không đúng định dạng."


class UnsupportedMedia(BadRequest):
    """The body has a media type or encoding that is not taken here."""

    code = "request.media_type"
    http_status = 415
    vi = "Kiểu dữ liệu hoặc cách nén của nội dung gửi lên không được chấp nhận."


class TooSlow(BadRequest):
    """The body did not arrive in time; send it again."""

    code = "request.too_slow"
    http_status = 408
    vi = "Nội dung gửi lên đến quá chậm; hãy gửi lại."


class TooLarge(GatewayError):
    """The upload is over the size limit."""

    code = "request.too_large"
    http_status = 413
    vi = "Tệp gửi lên vượt quá giới hạn dung lượng."


class TooMany(GatewayError):
    """Too many requests from this caller; try again later."""

    code = "caller.too_many"
    http_status = 429
    vi = "Hệ thống gọi gửi quá nhiều yêu cầu; hãy thử lại sau."


class Busy(GatewayError):
    """The gateway is full at the moment; try again shortly."""

    code = "gateway.busy"
    http_status = 503
    vi = "Trục đang đầy tải; hãy gửi lại sau ít phút."


class NotReady(GatewayError):
    """The installation is not ready for this."""

    code = "gateway.not_ready"
    http_status = 503
    vi = "Bản cài đặt chưa sẵn sàng cho việc này."
