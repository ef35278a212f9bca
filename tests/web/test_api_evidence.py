"""Evidence over HTTP."""

from __future__ import annotations

import base64
import hashlib

from gateway.exchange_log.container import MEDIA_TYPE
from gateway.exchange_log.evidence_check import check_container
from gateway.flow.evidence import trusted_of
from tests.web.conftest import Site

DOCUMENT = "H37%2C2020%2F04%2F13%2C362%2FUBND-KGVX"
PATH = "/api/v1/documents/{}/evidence"


async def document(site: Site) -> str:
    await site.send()
    return str((await site.get("/api/v1/documents?agency=H37")).json["documents"][0]["id"])


async def test_the_sender_takes_a_container_that_holds(site: Site) -> None:
    reply = await site.get(PATH.format(await document(site)))
    assert (reply.status, reply.headers["content-type"]) == (200, MEDIA_TYPE)
    gw = site.world.gw
    assert check_container(reply.body, trusted_of(gw.keyring), gw.clock.now()).holds


async def test_a_document_is_found_by_its_document_id_too(site: Site) -> None:
    await document(site)
    assert (await site.get(PATH.format(DOCUMENT))).status == 200


async def test_an_auditor_gives_a_reason(site: Site) -> None:
    path = PATH.format(await document(site))
    assert (await site.get(path, "auditor")).code == "reason.missing"
    assert (await site.get(f"{path}?reason=Thanh%20tra", "auditor")).status == 200


async def test_an_agency_that_is_no_party_finds_nothing(site: Site) -> None:
    assert (await site.get(PATH.format(await document(site)), "two")).status == 404


async def test_the_answer_names_its_hash(site: Site) -> None:

    reply = await site.get(PATH.format(await document(site)))
    digest = base64.b64encode(hashlib.sha256(reply.body).digest()).decode()
    assert reply.headers["content-digest"] == f"sha-256=:{digest}:"
