"""TLS of the listening socket, and taking up files that were renewed.

In charge of: the server's certificate and key, the CAs of client certificates, and noticing that these files
changed. Not in charge of: who a client certificate is (``auth.py``), TLS towards others (``net.py``).

A renewal needs no restart and no signal: the files are looked at every few seconds. New handshakes get what
the files hold then, connections that stand go on. Files that do not fit each other (half of a renewal) change
nothing until they do.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import structlog
from cryptography import x509

from gateway.config import ServerSection
from gateway.errors import NotReady
from gateway.model.text import Bilingual

log = structlog.get_logger("gateway.tls")

LOOK_SECONDS = 5.0

_Stamps = tuple[tuple[int, int, int], ...]  # of each file: inode, size, time of change


class ServerTls:
    """TLS as ``section`` says; its files are relative to ``home``. ``NotReady`` names the file that does not
    fit. ``told`` hears when the certificate in use ends, in UTC seconds."""

    def __init__(
        self, section: ServerSection, home: Path, told: Callable[[float], None] = lambda _: None
    ) -> None:
        self._certificate = home / section.tls_certificate
        self._key = home / (section.tls_key or section.tls_certificate)
        self._clients = home / section.client_ca if section.client_ca else None
        self._told = told
        self._stamps = self._look()
        try:
            self._current = self._load()
        except (OSError, ValueError) as error:  # SSLError is an OSError
            raise NotReady(
                Bilingual(
                    f"Không dùng được chứng thư hoặc khóa TLS ở mục server: {error}",
                    f"The TLS certificate or key of the server section cannot be used: {error}",
                ),
                code="config.wrong",
            ) from error
        # What the socket holds stays the same; each handshake is switched over to the current one.
        self.context = self._current
        self.context.sni_callback = self._choose

    async def watch(self, every: float = LOOK_SECONDS) -> None:
        """Take up what changes on disk, until cancelled."""
        while True:
            await asyncio.sleep(every)
            self.look()

    def look(self) -> bool:
        """Whether renewed files were taken up just now."""
        stamps = self._look()
        if stamps == self._stamps:
            return False
        self._stamps = stamps
        try:
            self._current = self._load()
        except (OSError, ValueError) as error:
            log.warning("renewed TLS files do not fit yet; the old ones stay in use", problem=str(error))
            return False
        log.info("renewed TLS files are in use", certificate=str(self._certificate))
        return True

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._current

    def _load(self) -> ssl.SSLContext:
        """``OSError`` or ``ValueError`` when the files cannot be used together."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._certificate, self._key)
        if self._clients is not None:
            context.load_verify_locations(self._clients)
            context.verify_mode = ssl.CERT_OPTIONAL  # whoever shows none may still show an API key
            # A resumed session is not verified again: it would outlive a CA that is trusted no longer.
            context.options |= ssl.OP_NO_TICKET
            context.num_tickets = 0
        ends = x509.load_pem_x509_certificates(self._certificate.read_bytes())[0].not_valid_after_utc
        self._told(ends.timestamp())
        return context

    def _look(self) -> _Stamps:
        """A file that is missing just now counts as changed when it comes back."""
        found = []
        for path in filter(None, (self._certificate, self._key, self._clients)):
            try:
                stat = path.stat()
                found.append((stat.st_ino, stat.st_size, stat.st_mtime_ns))
            except OSError:
                found.append((0, 0, 0))
        return tuple(found)
