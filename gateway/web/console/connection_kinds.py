"""The kinds of connection as a form shows them: what each is for, its settings, what they mean.

In charge of: words about settings. Not in charge of: whether a value is right (the adapters'
``check_settings``), which kinds there are (``Services.kinds``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.model.text import Bilingual

NOTHING = Bilingual("", "")


@dataclass(frozen=True, slots=True)
class Field:
    """One setting. ``choices``: value -> what it means; without them any text."""

    name: str
    title: Bilingual
    help: Bilingual = NOTHING
    choices: Mapping[str, Bilingual] | None = None
    required: bool = False
    example: str = ""


@dataclass(frozen=True, slots=True)
class Secret:
    """What has to stay secret. ``lines``: how many it may have."""

    title: Bilingual
    help: Bilingual
    lines: int = 1


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of connection."""

    title: Bilingual
    means: Bilingual
    fields: tuple[Field, ...] = ()
    secret: Secret | None = None


_CODES = Field(
    "codes",
    Bilingual("Dạng mã định danh", "Form of agency codes"),
    Bilingual(
        "Mã các đơn vị trong gói tin gửi đến phần mềm này được ghi theo dạng nào.",
        "How codes are written in what this software is sent.",
    ),
    {
        "": Bilingual("Giữ như bên gửi ghi", "As the sender wrote them"),
        "qd20": Bilingual("Mới: H37.31.21", "New: H37.31.21"),
        "qcvn102": Bilingual("Cũ: 000.21.31.H37", "Old: 000.21.31.H37"),
        "vxp": Bilingual("Mã hệ thống của trục quốc gia", "System ids of the national axis"),
    },
)
_NOT_BELOW = Bilingual("Chỉ đơn vị này", "This agency only")
_BELOW = Bilingual("Cả các đơn vị bên dưới chưa có kết nối riêng", "Also those below it without their own")
_EACH = Bilingual(
    "Mỗi đơn vị bên dưới có hộp nhận riêng tại trục này", "Each agency below has an inbox of its own here"
)
_SERVES = Field(
    "serves",
    Bilingual("Phục vụ những ai", "Whom it serves"),
    NOTHING,
    {"": _NOT_BELOW, "subtree": _BELOW, "each": _EACH},
)
_SERVES_OTHERS = Field(
    "serves",
    Bilingual("Phục vụ những ai", "Whom it serves"),
    NOTHING,
    {
        "others": Bilingual("Mọi đơn vị ngoài tỉnh", "Everybody who is not of our side"),
        "subtree": _BELOW,
        "": _NOT_BELOW,
    },
)
_OURS = Field(
    "ours",
    Bilingual("Mã gốc phía ta", "Our root agencies"),
    Bilingual("Cách nhau bằng dấu phẩy; dùng với “mọi đơn vị ngoài tỉnh”.", "Comma-separated."),
    example="H37",
)
_URL = Field(
    "url",
    Bilingual("Địa chỉ", "Address"),
    Bilingual("Bắt đầu bằng https://", "Begins with https://"),
    required=True,
    example="https://qlvb.example.gov.vn/nhan",
)
_POLL = Field(
    "poll_seconds",
    Bilingual("Hỏi văn bản đến sau mỗi (giây)", "Ask for messages every (seconds)"),
    Bilingual("Để trống: 60 giây.", "Empty: 60."),
    example="60",
)
_DIRECTORY = Field(
    "directory",
    Bilingual("Đối chiếu danh mục hằng ngày", "Compare the directory daily"),
    NOTHING,
    {
        "": Bilingual("Chỉ ghi lại khác biệt", "Only note differences"),
        "apply": Bilingual("Tự cập nhật vào danh mục", "Take them over"),
        "off": Bilingual("Không đối chiếu", "Do not compare"),
    },
)
_SYSTEM_ID = Field(
    "system_id",
    Bilingual("Mã hệ thống (SystemId)", "System id"),
    Bilingual("Do đơn vị quản lý trục cấp.", "As the axis gave it."),
    required=True,
)

KINDS: dict[str, Kind] = {
    "inbox": Kind(
        Bilingual("Hộp nhận tại trục", "Inbox here"),
        Bilingual(
            "Phần mềm của đơn vị tự đến lấy văn bản qua API; văn thư cũng nhận được tại trang Bàn làm việc.",
            "The agency's software fetches through the API; its clerk may use the desk.",
        ),
        (_SERVES, _CODES),
    ),
    "webhook": Kind(
        Bilingual("Đẩy đến địa chỉ web", "Push to a web address"),
        Bilingual(
            "Trục gửi từng gói tin đến địa chỉ của phần mềm đơn vị, có chữ ký HMAC.",
            "The gateway posts each message to the software, signed with HMAC.",
        ),
        (_URL, _SERVES, _CODES),
        Secret(
            Bilingual("Khóa ký HMAC", "HMAC secret"),
            Bilingual("Ít nhất 16 ký tự.", "At least 16 characters."),
        ),
    ),
    "folder": Kind(
        Bilingual("Thư mục dùng chung", "Shared folder"),
        Bilingual(
            "Mỗi gói tin thành một tệp trong thư mục in của đơn vị; tệp đặt vào thư mục out được gửi đi.",
            "Each message becomes a file in the agency's folder; what it puts into out is sent.",
        ),
        (
            Field(
                "path",
                Bilingual("Đường dẫn", "Path"),
                Bilingual(
                    "Tính từ thư mục chung của trục (net.folders), không bắt đầu bằng /.",
                    "Below the gateway's folder (net.folders), without a leading /.",
                ),
                required=True,
                example="so-tttt",
            ),
            _SERVES,
            _CODES,
        ),
    ),
    "vxp": Kind(
        Bilingual("Phần mềm theo SDK trục quốc gia", "Software of the national SDK"),
        Bilingual(
            "Phần mềm của đơn vị gọi đến trục này như gọi trục quốc gia (SDK 2.0).",
            "The agency's software calls this gateway as it would the national axis.",
        ),
        (_SERVES, _CODES),
    ),
    "langson": Kind(
        Bilingual("Phần mềm theo trục tỉnh Lạng Sơn", "Software of the Lạng Sơn dialect"),
        Bilingual(
            "Phần mềm của đơn vị gọi đến trục này như gọi trục của tỉnh.",
            "The agency's software calls this gateway as it would the provincial axis.",
        ),
        (_SERVES, _CODES),
    ),
    "axis": Kind(
        Bilingual("Trục quốc gia", "The national axis"),
        Bilingual(
            "Trục này gửi lên trục quốc gia và đến đó lấy văn bản về.",
            "This gateway hands messages to the national axis and fetches what waits there.",
        ),
        (
            _URL,
            _SYSTEM_ID,
            _SERVES_OTHERS,
            _OURS,
            _CODES,
            Field(
                "from",
                Bilingual("Gửi dưới mã", "Send as"),
                Bilingual("Để trống: như mã hệ thống.", "Empty: the system id."),
            ),
            _POLL,
            _DIRECTORY,
        ),
        Secret(
            Bilingual("Khóa bí mật (HMAC)", "HMAC key"),
            Bilingual("Do trục quốc gia cấp cùng mã hệ thống.", "Given with the system id."),
        ),
    ),
    "langson_axis": Kind(
        Bilingual("Trục của một tỉnh (giao thức Lạng Sơn)", "A provincial axis (Lạng Sơn dialect)"),
        Bilingual(
            "Trục này gửi lên trục của tỉnh và đến đó lấy văn bản về.",
            "This gateway hands messages to a provincial axis and fetches what waits there.",
        ),
        (
            _URL,
            Field("username", Bilingual("Tên đăng nhập", "User name"), required=True),
            _SYSTEM_ID,
            Field("application_code", Bilingual("Mã ứng dụng", "Application code")),
            Field(
                "days",
                Bilingual("Lấy lại danh sách trong (ngày)", "List so many days back"),
                Bilingual("Để trống: 30 ngày.", "Empty: 30."),
                example="30",
            ),
            _SERVES,
            _CODES,
            _POLL,
            _DIRECTORY,
        ),
        Secret(
            Bilingual("Mật khẩu và SecretKey", "Password and secret key"),
            Bilingual(
                "Dòng đầu: mật khẩu đăng nhập; dòng hai: SecretKey. Một dòng nếu giống nhau.",
                "First line: the password; second: the secret key. One line if they are equal.",
            ),
            lines=2,
        ),
    ),
    "gateway": Kind(
        Bilingual("Một trục cùng loại", "Another gateway of this kind"),
        Bilingual(
            "Chuyển tiếp đến trục khác (tỉnh, huyện, xã) và chỉ tin phiếu xác nhận có chữ ký của trục đó.",
            "Hand on to another gateway, believing only its signed receipts.",
        ),
        (
            _URL,
            Field(
                "receipt_sha256",
                Bilingual("SHA-256 chứng thư ký phiếu xác nhận", "SHA-256 of its receipt certificate"),
                Bilingual(
                    "Xem tại trục kia: gateway key list. Nhiều mã thì cách nhau bằng dấu phẩy.",
                    "There: gateway key list. Several are comma-separated.",
                ),
                required=True,
            ),
            _SERVES,
            _CODES,
        ),
        Secret(
            Bilingual("Khóa API do trục kia cấp", "API key that it gave us"),
            Bilingual(
                "Để trống nếu trục này xưng danh bằng chứng thư (net.tls_certificate).",
                "Empty when our client certificate proves us.",
            ),
        ),
    ),
}
SIGNATURES = {
    "if_present": Bilingual("Kiểm tra nếu có", "Verify if present"),
    "required": Bilingual("Bắt buộc có", "Required"),
    "off": Bilingual("Không kiểm tra", "Off"),
}
DIALECTS = {
    "": Bilingual("Giữ nguyên gói tin như đã nhận", "Hand on the bytes as they came"),
    "java": Bilingual("Dựng lại theo kiểu Java (chuẩn QCVN 102)", "Rebuild in the Java form"),
    "dotnet": Bilingual("Dựng lại theo kiểu .NET", "Rebuild in the .NET form"),
}


def kind_of(name: str) -> Kind:
    """The kind, or one without words for a kind that another package brought along."""
    unknown = Secret(Bilingual("Khóa bí mật", "Secret"), NOTHING)
    return KINDS.get(name) or Kind(Bilingual(name, name), NOTHING, (_SERVES, _CODES), unknown)
