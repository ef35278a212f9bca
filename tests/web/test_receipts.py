"""The timestamp of a receipt over HTTP, and a whole gateway that stamps by itself."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway import app
from gateway.clock import SystemClock
from gateway.config import Config, ExchangeLogSection, NetSection, ServerSection, TrustSection
from gateway.delivery.stamp import Stamper
from gateway.directory.data import DirectoryData
from gateway.errors import NotFound
from gateway.exchange_log.receipts import Attachment, verify_receipt
from gateway.exchange_log.sequence import log_keys
from gateway.flow import office, operate
from gateway.flow.door import Caller, receive
from gateway.flow.operate import LOCAL
from gateway.flow.submit import submit
from gateway.model.text import AgencyCode
from gateway.model.verdict import Indication
from gateway.net import Net
from gateway.practice.pki import DemoPki, KeyKind
from gateway.practice.pki_http import PkiServers
from gateway.services import Services
from gateway.signature.trust import TrustStore
from gateway.store.people import Role
from tests.web.conftest import Site
from tests.world import AGENCIES, make_envelope

LOOPBACK = "127.0.0.0/8"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DemoPki:
    return DemoPki.create(tmp_path_factory.mktemp("pki") / "var", key=KeyKind.P256)


async def stamp_once(site: Site, pki: DemoPki) -> None:
    gw = site.world.gw
    gw.trust_store = TrustStore.load(pki.trust_folder)
    async with PkiServers(pki, site.world.clock) as servers:
        trust = TrustSection(timestamp_url=servers.tsa_url)
        gw.config = gw.config.model_copy(update={"trust": trust})
        net = Net(LOOPBACK, 5)
        await gw.sequencer.advance(publish=True)
        await Stamper(gw, net).round()
        await net.close()


async def test_an_attachment_from_the_api_proves_the_receipt_offline(site: Site, pki: DemoPki) -> None:
    sent = (await site.send()).json
    await stamp_once(site, pki)
    answer: dict[str, Any] = (await site.get(f"/api/v1/receipts/{sent['receipt']}/timestamp")).json
    attachment = Attachment(
        answer["event"].encode(),
        answer["leaf"],
        tuple(bytes.fromhex(part) for part in answer["inclusion_proof"]),
        answer["checkpoint"],
        base64.b64decode(answer["token"]),
    )
    trust, now = TrustStore.load(pki.trust_folder), site.world.clock.now()
    found = verify_receipt(sent["receipt_jws"], attachment, log_keys(site.world.gw.keyring), trust, now)
    assert (found.indication, answer["indication"]) == (Indication.PASSED, "TOTAL-PASSED")
    assert answer["authority"].startswith("CN=TSA")
    assert answer["time"].startswith("2020-04-13T")


async def test_what_waits_for_its_checkpoint_or_timestamp_says_so(site: Site) -> None:
    sent = (await site.send()).json
    path = f"/api/v1/receipts/{sent['receipt']}/timestamp"
    waiting = await site.get(path)
    gw = site.world.gw
    await gw.sequencer.advance(publish=True)
    off = await site.get(path)
    gw.config = gw.config.model_copy(update={"trust": TrustSection(timestamp_url="http://tsa.example/")})
    pending = await site.get(path)
    assert (waiting.status, waiting.code) == (404, "log.pending")
    assert (off.status, off.json["problem"], off.json["token"]) == (200, "timestamp.off", "")
    assert (pending.status, pending.json["problem"]) == (200, "timestamp.pending")


async def test_a_receipt_is_for_its_sender_and_for_auditors(site: Site, pki: DemoPki) -> None:
    sent = (await site.send()).json
    await stamp_once(site, pki)
    path = f"/api/v1/receipts/{sent['receipt']}/timestamp"
    assert (await site.get(path, "auditor")).status == 200
    assert (await site.get(path, "H37.03")).code == "receipt.unknown"
    assert (await site.get(path, None)).status == 401
    assert (await site.get("/api/v1/receipts/none/timestamp")).code == "receipt.unknown"


async def test_a_running_gateway_has_its_receipts_stamped(tmp_path: Path, pki: DemoPki) -> None:
    clock = SystemClock()
    app.init_home(tmp_path, "truc-thu", clock)
    for file in pki.trust_folder.iterdir():
        (tmp_path / "trust" / file.name).write_bytes(file.read_bytes())
    async with PkiServers(pki, clock) as servers:
        config = Config(
            server=ServerSection(port=0),
            net=NetSection(allow_private=LOOPBACK),
            trust=TrustSection(timestamp_url=servers.tsa_url, timestamp_seconds=1),
            exchange_log=ExchangeLogSection(checkpoint_seconds=1),
        )
        async with app.running(tmp_path, config, clock) as (gw, _):
            await office.import_directory(gw, LOCAL, DirectoryData(AGENCIES), apply=True)
            caller = Caller("system-H37", "H37", Role.SYSTEM, frozenset({AgencyCode("H37")}))
            done = await submit(gw, caller, await receive(gw, chunks(make_envelope())))
            async with asyncio.timeout(20):
                shown = await shown_once_stamped(gw, done.receipt)
    assert (shown["indication"], shown["jws"]) == ("TOTAL-PASSED", done.jws)


async def shown_once_stamped(gw: Services, receipt: str) -> dict[str, Any]:
    while True:
        with contextlib.suppress(NotFound):
            shown = dict(await operate.run(gw, "receipt.show", {"receipt": receipt}))
            if shown["token"]:
                return shown
        await asyncio.sleep(0.05)


async def chunks(data: bytes) -> AsyncIterator[bytes]:
    yield data
