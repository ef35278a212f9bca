"""What happens in the demo: who takes part, and what may go wrong at the gate.

In charge of: the offices and their habits, the four uploads that the gate refuses, the recall. The letters
themselves stand in ``scenario_letters``. Not in charge of: doing any of it (``demo``), the directory
(``province``).

Persons are invented, and so is everything that offices of the State write here, except the titles and numbers
of the nine documents of the province.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from gateway.clock import VIETNAM
from gateway.model.envelope import Dialect
from gateway.model.text import AgencyCode


@dataclass(frozen=True, slots=True)
class Signatory:
    """The competent person of an office, as NĐ 30/2020 PL I writes such a person."""

    name: str
    position: str
    competence: str = ""  # TM., KT., …; empty when the head signs in the own right


class Door(enum.Enum):
    """How an office's software reaches us."""

    NATIVE = "our interface"
    SDK = "the calls of the national SDK, at /vxp"
    AXIS = "beyond the national axis"


@dataclass(frozen=True, slots=True)
class Habit:
    """One office and its software."""

    code: AgencyCode
    place: str  # stands before the date on the paper
    signatory: Signatory | None = None  # None: receives only
    writes: Dialect = Dialect.JAVA  # what its software sends
    reads: str = ""  # the dialect that it asked the gateway for; "": as the sender wrote it
    webhook: bool = False  # the gateway pushes to it; else it comes for its messages
    minutes: int = 30  # until its clerk has taken a document in (status 03)
    door: Door = Door.NATIVE


@dataclass(frozen=True, slots=True)
class Letter:
    """One document on its way. ``answers``: number/notation of a letter of this scenario."""

    sender: AgencyCode
    recipients: tuple[str, ...]  # codes; the gate's examples name some that do not exist
    number: str
    notation: str
    type_name: str
    subject: str
    body: tuple[str, ...]
    at: datetime  # when it is handed to the gateway
    urgency: int = 0
    answers: str = ""
    sealed: bool = False  # the envelope carries an XML signature of the agency

    @property
    def code(self) -> str:
        """``362/UBND-KGVX``"""
        return f"{self.number}/{self.notation}"


class Fault(enum.Enum):
    """What is wrong with an upload that the gate refuses, with the rule that must say so."""

    TAMPERED = "signature.tampered"  # one byte was changed after the envelope was signed
    UNKNOWN_RECIPIENT = "recipient.unknown"
    SECRET = "secrecy.marked"
    CONFLICT = "duplicate.conflict"  # the DocumentId of an accepted document, with another content


@dataclass(frozen=True, slots=True)
class Recalling:
    """A sender asks for a document back; who has it agrees."""

    document: str  # number/notation
    at: datetime
    reason: str
    agreement: str = "Đồng ý thu hồi, đã hủy văn bản trong hệ thống"


@dataclass(frozen=True, slots=True)
class Attempt:
    """An upload that must be refused."""

    fault: Fault
    letter: Letter


def at(day: int, hour: int, minute: int) -> datetime:
    """A moment of April 2020, Vietnamese time."""
    return datetime(2020, 4, day, hour, minute, tzinfo=VIETNAM)


def code(text: str) -> AgencyCode:
    """A canonical agency code."""
    return AgencyCode(text)


START = at(13, 7, 30)
PROVINCE = code("H37")
REFUSER = code("H37.32")  # refuses one document, with this reason
REFUSED = "47/KH/ĐGS"
REFUSAL = "Từ chối: thiếu phụ lục kèm theo. Đề nghị gửi lại đầy đủ phụ lục."
YOURS = code("H37.33")  # nobody plays this office: it is for whoever looks at the demo
AXIS = code("G22")  # the office that runs the national axis
MINISTRY = code("G14.99")  # made up

CHAIR = "Chủ tịch"
HABITS = (
    Habit(PROVINCE, "Lạng Sơn", Signatory("Hoàng Văn Mẫu", "Phó Chủ tịch", "KT. CHỦ TỊCH"), minutes=15),
    Habit(code("H37.01"), "Lạng Sơn", minutes=20),
    Habit(
        code("H37.03"),
        "Lạng Sơn",
        Signatory("Nông Thị Thử", "Phó Giám đốc", "KT. GIÁM ĐỐC"),
        writes=Dialect.DOTNET,
        minutes=32,
    ),
    Habit(
        code("H37.05"),
        "Lạng Sơn",
        Signatory("Vi Thị Ví Dụ", "Phó Giám đốc", "KT. GIÁM ĐỐC"),
        writes=Dialect.DOTNET,
        webhook=True,
        minutes=10,
    ),
    Habit(code("H37.07"), "Lạng Sơn", minutes=45),
    Habit(code("H37.09"), "Lạng Sơn", minutes=50),
    Habit(code("H37.11"), "Lạng Sơn", minutes=40),
    Habit(
        code("H37.13"),
        "Lạng Sơn",
        Signatory("Đinh Văn Ví Dụ", "Phó Giám đốc", "KT. GIÁM ĐỐC"),
        minutes=35,
        door=Door.SDK,
    ),
    Habit(code("H37.20"), "Lạng Sơn", reads="dotnet", minutes=25),
    Habit(
        code("H37.31"),
        "Thành phố Lạng Sơn",
        Signatory("Lương Văn Mẫu", CHAIR, "TM. ỦY BAN NHÂN DÂN"),
        minutes=55,
    ),
    Habit(REFUSER, "Hữu Lũng", Signatory("Hoàng Thị Thử", "Phó Chủ tịch", "KT. CHỦ TỊCH"), minutes=50),
    Habit(
        code("H37.31.21"), "Tam Thanh", Signatory("Triệu Văn Mẫu", CHAIR, "TM. ỦY BAN NHÂN DÂN"), minutes=70
    ),
    Habit(code("H37.31.22"), "Chi Lăng", Signatory("Bế Thị Thử", CHAIR, "TM. ỦY BAN NHÂN DÂN"), minutes=65),
    Habit(code("H37.31.26"), "Hoàng Đồng", minutes=80),
    Habit(code("H37.32.22"), "Cai Kinh", Signatory("Lý Văn Ví Dụ", CHAIR, "TM. ỦY BAN NHÂN DÂN"), minutes=90),
    Habit(
        code("H37.32.23"), "Đồng Tân", Signatory("Dương Thị Mẫu", CHAIR, "TM. ỦY BAN NHÂN DÂN"), minutes=85
    ),
    Habit(MINISTRY, "Hà Nội", Signatory("Trần Văn Mẫu", "Phó Cục trưởng", "KT. CỤC TRƯỞNG"), door=Door.AXIS),
)


@dataclass(frozen=True, slots=True)
class FurtherStatus:
    """What a recipient reports after 03."""

    recipient: AgencyCode
    document: str  # number/notation
    status: str
    text: str
    at: datetime


FURTHER = (
    FurtherStatus(code("H37.03"), "362/UBND-KGVX", "04", "Chuyển Phòng Công nghệ thông tin", at(14, 8, 10)),
    FurtherStatus(code("H37.05"), "375/UBND-KTN", "04", "Chuyển Phòng Nghiệp vụ Y", at(16, 8, 20)),
    FurtherStatus(code("H37.03"), "362/UBND-KGVX", "06", "Đã hoàn thành, có báo cáo", at(17, 16, 0)),
)

RECALL = Recalling(
    "380/UBND-TH", at(16, 11, 10), "Ghi nhầm thời gian họp; Ủy ban nhân dân tỉnh sẽ gửi văn bản mới"
)
