"""Asking for revocation, so that the gate finds the answer in memory.

In charge of: writing down what verdicts wished for, asking each source once however many messages need it,
taking in the answers, and asking again before they run out, as long as verdicts need them. Runs beside the
worker; nothing waits for it but verdicts that are "not enough to conclude" yet. Not in charge of: what an
answer means (``signature``), judging again (``delivery/recheck.py``).

A source that fails is asked again after half a minute, then less and less often, up to an hour (``retry``).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from urllib.parse import urlsplit

import structlog
from cryptography import x509

from gateway.clock import SECOND
from gateway.delivery.retry import HOUR, MINUTE, wait_after
from gateway.flow.trust import DAY, KEPT_FRESH
from gateway.model.text import Instant
from gateway.model.verdict import Proof, ProofKind
from gateway.net import ForbiddenAddress, Net, Unreachable
from gateway.services import Bell, Services
from gateway.signature.certificates import fingerprint
from gateway.signature.ocsp import CONTENT_TYPE, OcspAnswer, ocsp_request
from gateway.signature.proofs import certificate_proof
from gateway.signature.revocation import Unusable, key_of
from gateway.signature.revocation_cache import Place, Wish
from gateway.signature.revocation_crl import Crl
from gateway.store import proofs, rechecks, revocation
from gateway.store.contract import Tx
from gateway.store.revocation import Source

log = structlog.get_logger("gateway.revocation")

CRL_BYTES = 32 * 1024 * 1024
OCSP_BYTES = 64 * 1024
ROUND_SECONDS = 5.0
PAUSE_SECONDS = 0.2  # between two rounds, however often the bell rings
AT_ONCE, PER_HOST = 16, 4
KEPT = 400 * DAY
LONGEST_REST = DAY  # a CA may revoke long before the nextUpdate of its last CRL
_THREAD_FROM_BYTES = 65_536


class _NoAnswer(Exception):
    """``problem``: a stable word, perhaps with details behind a dot (``unreachable.connect.refused``)."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(problem)


class RevocationKeeper:
    """One loop of one process."""

    def __init__(self, gw: Services, net: Net) -> None:
        self._gw = gw
        self._net = net
        self._bell = Bell()
        self._stopped = False
        self._asking: dict[asyncio.Task[None], str] = {}  # host by question
        self._touched: dict[Place, Instant] = {}
        self._looked_at = Instant(0)
        self._dropped_at = gw.clock.now()

    async def run(self) -> None:
        """Ask until ``stop``; questions that run then are given up, and asked again later."""
        loop = asyncio.get_running_loop()
        self._gw.revocation.listen(partial(_ring, loop, self._bell))
        while not self._stopped:
            try:
                await self.round()
            except Exception:  # a loop that ends in silence is the worst outage
                log.exception("round failed, trying again")
            await asyncio.sleep(PAUSE_SECONDS)
            await self._bell.wait(ROUND_SECONDS)
        self._gw.revocation.listen(lambda: None)
        for task in self._asking:
            task.cancel()
        await self.settle()

    def stop(self) -> None:
        """End after the present round."""
        self._stopped = True
        self._bell.ring()

    async def round(self) -> None:
        """Write down wishes, and begin to ask every source that is due; returns without waiting for them."""
        now = self._gw.clock.now()
        await self._keep_wishes(now)
        await self._keep_needed()
        if self._gw.config.trust.fetch:
            await self._begin_questions(now)
        if now - self._looked_at >= MINUTE:
            self._looked_at = now
            await self._look(now)

    async def drain(self) -> None:
        """Ask until nothing is due: for a command, while no server runs."""
        while True:
            await self.round()
            if not self._asking:
                return
            await self.settle()

    async def settle(self) -> None:
        """On return, no question is under way."""
        await asyncio.gather(*self._asking, return_exceptions=True)

    async def _keep_wishes(self, now: Instant) -> None:
        wishes = self._gw.revocation.take_wishes()
        if not wishes:
            return
        try:
            await self._gw.store.write(lambda tx: _add_sources(tx, wishes, now))
        except BaseException:
            self._gw.revocation.give_back(wishes)
            raise
        for wish in wishes:
            self._gw.revocation.note(wish.place, "")

    async def _keep_needed(self) -> None:
        """When each source was last needed, once an hour each: enough to decide what is kept fresh."""
        needed = self._gw.revocation.take_needed()
        news = {place: at for place, at in needed.items() if at - self._touched.get(place, 0) > HOUR}
        if news:
            keys = {_key(place): at for place, at in news.items()}
            await self._gw.store.write(lambda tx: revocation.touch(tx, keys))
            self._touched.update(news)

    async def _begin_questions(self, now: Instant) -> None:
        store, hosts = self._gw.store, Counter(self._asking.values())
        since = {kind: Instant(now - span) for kind, span in KEPT_FRESH.items()}
        chosen: list[Source] = []
        for source in await store.read(lambda tx: revocation.due(tx, now, since, 4 * AT_ONCE)):
            host = _host(source)
            if len(self._asking) + len(chosen) < AT_ONCE and hosts[host] < PER_HOST:
                hosts[host] += 1
                chosen.append(source)
        if not chosen:
            return
        for source in await store.write(lambda tx: revocation.claim(tx, chosen, now)):
            task = asyncio.create_task(self._ask(source))
            self._asking[task] = _host(source)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._asking[task]
        self._bell.ring()

    async def _ask(self, source: Source) -> None:
        """One question, and what became of it, on disk and in memory."""
        place = Place(*source.key)
        try:
            subject, issuers = await self._certificates(source, place)
            data = await self._fetch(place, subject, issuers)
            answer = await self._read(place, data, subject, issuers)
            await self._take_in(source, place, answer, issuers)
        except (_NoAnswer, Unusable) as error:
            await self._note_failure(source, place, error.problem, str(error))
        except Exception:  # the lease runs out, and it is asked again
            log.exception("asking failed", url=source.url)

    async def _certificates(
        self, source: Source, place: Place
    ) -> tuple[x509.Certificate | None, list[x509.Certificate]]:
        """Whom an OCSP question is about, and who may have issued the answer, the known issuer first."""
        _, issuer, subject = await self._gw.store.read(lambda tx: revocation.evidence(tx, source))
        first = [x509.load_der_x509_certificate(issuer)] if issuer is not None else []
        others = [c for c in self._gw.revocation.issuers_of(place) if c not in first]
        return (None if subject is None else x509.load_der_x509_certificate(subject)), first + others

    async def _fetch(
        self, place: Place, subject: x509.Certificate | None, issuers: Sequence[x509.Certificate]
    ) -> bytes:
        try:
            if subject is None:
                answer = await self._net.get(place.url, CRL_BYTES)
            else:
                question = ocsp_request(subject, issuers[0])
                headers = {"Content-Type": CONTENT_TYPE, "Accept": "application/ocsp-response"}
                answer = await self._net.post_bytes(place.url, question, headers, OCSP_BYTES)
        except ForbiddenAddress as error:
            raise _NoAnswer("forbidden") from error
        except Unreachable as error:
            is_too_large = error.code == "answer.too_large"
            raise _NoAnswer("too_large" if is_too_large else f"unreachable.{error.code}") from error
        if answer.status != 200:
            raise _NoAnswer(f"unreachable.http.{answer.status}")
        return answer.body

    async def _read(
        self,
        place: Place,
        data: bytes,
        subject: x509.Certificate | None,
        issuers: Sequence[x509.Certificate],
    ) -> Crl | OcspAnswer:
        read = partial(self._gw.revocation.read, place, data, subject, issuers, self._gw.clock.now())
        return read() if len(data) < _THREAD_FROM_BYTES else await asyncio.to_thread(read)

    async def _take_in(
        self, source: Source, place: Place, answer: Crl | OcspAnswer, issuers: Sequence[x509.Certificate]
    ) -> None:
        gw, now = self._gw, self._gw.clock.now()
        is_stale = answer.next_update < now
        failures = source.failures + 1 if is_stale else 0
        problem = "stale" if is_stale else ""
        due_at = self._again(source, failures, now) if is_stale else next_question(answer, now)
        row = replace(source, due_at=due_at, failures=failures, problem=problem)
        kept: tuple[Proof, ...] = ()
        if gw.revocation.put(place, answer):
            issuer = next(one for one in issuers if key_of(one) == answer.owner)
            row = replace(
                row,
                issuer=fingerprint(issuer),
                answer=answer.sha256,
                this_update=answer.this_update,
                next_update=answer.next_update,
                fetched_at=now,
            )
            kept = (certificate_proof(issuer), Proof(ProofKind(place.kind), answer.sha256, answer.data))
        gw.revocation.note(place, problem)
        await gw.store.write(lambda tx: _take_in(tx, source, row, kept, now))
        gw.metrics.revocation_asked.labels(place.kind, problem or "answer").inc()
        log.info("revocation answer", url=place.url, problem=problem, next_update=answer.next_update)

    async def _note_failure(self, source: Source, place: Place, problem: str, detail: str) -> None:
        gw, failures = self._gw, source.failures + 1
        due_at = self._again(source, failures, gw.clock.now())
        gw.revocation.note(place, problem)
        await gw.store.write(lambda tx: revocation.failed(tx, source.key, problem, failures, due_at))
        gw.metrics.revocation_asked.labels(place.kind, problem.split(".")[0]).inc()
        log.warning("no revocation answer", url=place.url, problem=problem, detail=detail, failures=failures)

    def _again(self, source: Source, failures: int, now: Instant) -> Instant:
        return Instant(now + wait_after(failures, source.url + source.certificate))

    async def _look(self, now: Instant) -> None:
        """The gauges; once a day, let go of what nobody needs."""
        if now - self._dropped_at > DAY:
            self._dropped_at = now
            await self._gw.store.write(lambda tx: revocation.drop_unused(tx, Instant(now - KEPT)))
        sources = await self._gw.store.read(revocation.all_sources)
        for kind, span in KEPT_FRESH.items():
            used = [s for s in sources if s.kind == kind and s.wanted_at >= now - span]
            self._gw.metrics.revocation_failing.labels(kind).set(sum(s.failures > 0 for s in used))
            ages = [now - s.this_update for s in used if s.this_update is not None]
            self._gw.metrics.revocation_age.labels(kind).set(max(ages, default=0) / SECOND)


def next_question(answer: Crl | OcspAnswer, now: Instant) -> Instant:
    """When to ask for the answer that follows: at 80 % of this one's life, where that has passed halfway to
    its end, a minute before the end at the latest; not within a minute, and at least once a day."""
    life = answer.next_update - answer.this_update
    turn = answer.this_update + life * 8 // 10
    if turn <= now:
        turn = now + (answer.next_update - now) // 2
    turn = min(turn, answer.next_update - MINUTE, now + LONGEST_REST)
    return Instant(max(turn, now + MINUTE))


def _add_sources(tx: Tx, wishes: Sequence[Wish], now: Instant) -> None:
    for wish in wishes:
        kept = [certificate_proof(wish.issuer)]
        if wish.place.certificate:
            kept.append(certificate_proof(wish.subject))
        proofs.keep(tx, kept, now)
        issuer = fingerprint(wish.issuer)
        revocation.add(tx, Source(*_key(wish.place), issuer, due_at=now, wanted_at=now))


def _take_in(tx: Tx, before: Source, row: Source, kept: Sequence[Proof], now: Instant) -> None:
    proofs.keep(tx, kept, now)
    revocation.answered(tx, row)
    if row.answer != before.answer:
        rechecks.answer_came(tx, now)


def _key(place: Place) -> revocation.Key:
    return place.kind, place.url, place.certificate


def _host(source: Source) -> str:
    try:
        return urlsplit(source.url).netloc
    except ValueError:  # the CA wrote something else; the call will say so
        return source.url


def _ring(loop: asyncio.AbstractEventLoop, bell: Bell) -> None:
    """From any thread."""
    loop.call_soon_threadsafe(bell.ring)
