"""Looking after payloads where they lie: moving them between folder and bucket, proving that they are there.

In charge of: one page at a time, so that a call is short and may be repeated after any failure. Not in charge
of: copying (``store/blobs.py``), orphans (``delivery/janitor.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from gateway.errors import NotReady, WrongState
from gateway.flow.door import Caller
from gateway.model.text import Bilingual
from gateway.services import Services
from gateway.store import payloads
from gateway.store.payloads import StoredPayload
from gateway.store.people import Role
from gateway.store.places import Damaged

PAGE = 200


async def move_payloads(
    gw: Services, caller: Caller, to: Literal["bucket", "files"], after: str = ""
) -> dict[str, Any]:
    """Move one page of payloads; ``after``: the hash with which the page before ended. An answer without
    ``after`` is the last. Damaged ones stay where they are and are named."""
    caller.require(Role.ADMINISTRATOR)
    blobs = gw.blobs
    objects = blobs.objects
    if objects is None:
        raise NotReady(_NO_BUCKET, code="payloads.no_bucket")
    target = objects if to == "bucket" else blobs.files
    if blobs.place is not target:
        raise WrongState(_OTHER_WAY, code="payloads.other_way")
    page = await _page(gw, after)

    def one(stored: StoredPayload) -> bool:
        from gateway.store.moving import move  # it needs obstore

        return move(blobs, objects, stored.file or "", target, stored.size)

    return await _each(gw, page, one, "moved")


async def verify_payloads(
    gw: Services, caller: Caller, deep: bool = False, after: str = ""
) -> dict[str, Any]:
    """Look at one page of payloads: there, and of the right size; ``deep``: decrypted and hashed."""
    caller.require(Role.AUDITOR, Role.OPERATOR, Role.ADMINISTRATOR)
    page = await _page(gw, after)
    return await _each(gw, page, partial(_prove if deep else _look, gw), "good")


async def _page(gw: Services, after: str) -> list[StoredPayload]:
    return await gw.store.read(lambda tx: payloads.in_places(tx, bytes.fromhex(after), PAGE))


async def _each(
    gw: Services, page: list[StoredPayload], work: Callable[[StoredPayload], bool], counted: str
) -> dict[str, Any]:
    """Do something to every payload of a page; what happened, and where the next page begins. ``Busy``: the
    bucket is away, which is no payload's damage."""
    if page and gw.blobs.objects is not None:
        await gw.on_disk(gw.blobs.inline_limit + 1, gw.blobs.objects.now)
    done, damaged = 0, []
    for stored in page:
        try:
            done += await gw.on_disk(gw.blobs.inline_limit + 1, partial(work, stored))
        except Damaged:
            now = await gw.store.read(lambda tx, one=stored: payloads.find(tx, one.sha256))  # type: ignore[misc]
            if now is not None and now.file == stored.file:  # else it was destroyed meanwhile
                damaged.append(stored.sha256.hex())
    after = page[-1].sha256.hex() if len(page) == PAGE else ""
    return {counted: done, "looked_at": len(page), "damaged": damaged, "after": after}


def _look(gw: Services, stored: StoredPayload) -> bool:
    lying = gw.blobs.lying(stored.file or "")
    if lying is None or lying.size != stored.size:
        raise Damaged()
    return True


def _prove(gw: Services, stored: StoredPayload) -> bool:
    key = gw.keyring.unwrap(stored.wrapped_key or b"")
    gw.blobs.prove(stored.file or "", data_key=key, size=stored.size, sha256=stored.sha256)
    return True


_NO_BUCKET = Bilingual(
    "Chưa khai báo kho S3 (payloads.url) trong phần cài đặt nên không có nơi để chuyển.",
    "No bucket is set (payloads.url), so there is nowhere to move to or from.",
)
_OTHER_WAY = Bilingual(
    "Nội dung mới đang được ghi vào nơi kia. Hãy sửa payloads.new trong phần cài đặt, khởi động lại mọi nút, "
    "rồi chuyển.",
    "New payloads still go to the other place. Change the setting payloads.new, restart every node, then "
    "move.",
)
