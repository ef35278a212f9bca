"""Three persons who may sign in at the demo's console: an operator, an auditor, a clerk of the province.

In charge of: their accounts, with passwords that are made anew in each run and are nobody's choice. Not in
charge of: accounts in earnest, whose first password must be changed (``flow/accounts``), printing
(``cli/demo``).
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.flow.accounts import change_password, open_account
from gateway.flow.door import Caller
from gateway.flow.operate import LOCAL
from gateway.flow.passwords import temporary_password
from gateway.model.text import Bilingual
from gateway.practice.demo import Week
from gateway.practice.scenario import PROVINCE
from gateway.services import Services
from gateway.store.people import Role


@dataclass(frozen=True, slots=True)
class Part:
    """One person of the demo, and what can be seen as that person."""

    login: str
    name: str
    role: Role
    sees: Bilingual


@dataclass(frozen=True, slots=True)
class Login:
    """What to type at the console's door."""

    part: Part
    password: str

    def as_json(self) -> dict[str, str]:
        """What scripts read."""
        return {"login": self.part.login, "role": self.part.role.value, "password": self.password}


async def open_console(week: Week) -> tuple[Login, ...]:
    """The accounts, ready to sign in with at ``/console``."""
    return tuple([await _open(week.gw, part) for part in PARTS])


async def _open(gw: Services, part: Part) -> Login:
    """The first password is exchanged for another random one, as the console asks its owner to do."""
    agencies = (PROVINCE,) if part.role is Role.CLERK else ()
    made = await open_account(gw, LOCAL, part.login, part.name, part.role, agencies)
    who, password = made.principal, temporary_password()
    caller = Caller(who.id, who.name, who.role, frozenset(who.agencies))
    await change_password(gw, caller, made.password, password)
    return Login(part, password)


PARTS = (
    Part(
        "operator",
        "Người vận hành (trình diễn)",
        Role.OPERATOR,
        Bilingual("vận hành: hàng đợi, giữ, gửi lại", "operator: queue, hold, retry"),
    ),
    Part(
        "auditor",
        "Kiểm toán viên (trình diễn)",
        Role.AUDITOR,
        Bilingual("kiểm toán: xem tất cả, không sửa gì", "auditor: sees all, changes nothing"),
    ),
    Part(
        "clerk",
        "Văn thư UBND tỉnh (trình diễn)",
        Role.CLERK,
        Bilingual("văn thư UBND tỉnh: bàn làm việc", "clerk of the province: her desk"),
    ),
)
