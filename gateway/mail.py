"""The one way out for e-mail.

In charge of: one SMTP conversation: address guard, TLS, login, time limits, our words for what goes wrong.
Blocking: it runs in a thread of the caller's. Not in charge of: what a message says, when to try again
(``delivery/alert_senders.py``), which addresses are allowed (``addresses``).

The guard sees the very address that is dialled, as in ``net``. TLS is checked against the machine's CAs; a
server without it is used only where the settings say so.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Literal

from gateway.addresses import AddressGuard
from gateway.model.text import Bilingual

Security = Literal["starttls", "tls", "none"]
SECONDS = 20.0  # for each step of the conversation


class MailFailed(Exception):
    """The server did not take the message. ``code`` is stable (``mail.refused``), ``text`` is for people."""

    def __init__(self, code: str, text: Bilingual) -> None:
        self.code = code
        self.text = text
        super().__init__(f"{code}: {text.en}")


@dataclass(frozen=True, slots=True)
class MailServer:
    """How the server is reached. ``user`` empty: no login. ``tls``: whom we believe, else the system's."""

    host: str
    port: int
    security: Security
    user: str = ""
    password: str = ""
    allow_private: str = ""
    tls: ssl.SSLContext | None = None

    def send(self, message: EmailMessage) -> None:
        """Hand a message over; on return the server has taken it for every recipient. ``MailFailed``."""
        try:
            with self._connected() as server:
                if self.security == "starttls":
                    server.starttls(context=self._context())
                if self.user:
                    server.login(self.user, self.password)
                refused = server.send_message(message)
        except _Forbidden as error:
            raise MailFailed("mail.forbidden", _forbidden(self.host)) from error
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise _translated(error) from error
        if refused:
            raise MailFailed("mail.recipient", _recipients(", ".join(sorted(refused))))

    def _connected(self) -> smtplib.SMTP:
        guard = AddressGuard(self.allow_private)
        if self.security == "tls":
            return _GuardedTls(guard, self.host, self.port, timeout=SECONDS, context=self._context())
        return _Guarded(guard, self.host, self.port, timeout=SECONDS)

    def _context(self) -> ssl.SSLContext:
        context = self.tls or ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


class _Forbidden(OSError):
    """No address of the host may be dialled."""


class _Guarded(smtplib.SMTP):
    """SMTP whose socket is opened by us, after the guard looked at the address."""

    def __init__(self, guard: AddressGuard, host: str, port: int, *, timeout: float) -> None:
        self._guard = guard
        super().__init__(host, port, timeout=timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return _dial(self._guard, host, port, timeout)


class _GuardedTls(smtplib.SMTP_SSL):
    """The same with TLS from the first byte."""

    def __init__(
        self, guard: AddressGuard, host: str, port: int, *, timeout: float, context: ssl.SSLContext
    ) -> None:
        self._guard = guard
        self._tls = context
        self._name = host
        super().__init__(host, port, timeout=timeout, context=context)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._tls.wrap_socket(_dial(self._guard, host, port, timeout), server_hostname=self._name)


def _dial(guard: AddressGuard, host: str, port: int, timeout: float) -> socket.socket:
    """A connection to the first address of the host that may be dialled and answers."""
    problem: OSError = _Forbidden(host)
    for family, kind, protocol, _, target in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        if not guard.permits(str(target[0])):
            continue
        dialled = socket.socket(family, kind, protocol)
        try:
            dialled.settimeout(timeout)
            dialled.connect(target)
        except OSError as error:
            dialled.close()
            problem = error
        else:
            return dialled
    raise problem


def _translated(error: Exception) -> MailFailed:
    match error:
        case smtplib.SMTPAuthenticationError():
            return MailFailed("mail.login", _LOGIN)
        case smtplib.SMTPRecipientsRefused():
            return MailFailed("mail.recipient", _recipients(", ".join(sorted(error.recipients))))
        case smtplib.SMTPNotSupportedError():
            return MailFailed("mail.no_tls", _NO_TLS)
        case smtplib.SMTPResponseException():
            return MailFailed("mail.refused", _refused(error))
        case ssl.SSLError():
            return MailFailed("mail.tls", _tls(error))
        case TimeoutError():
            return MailFailed("mail.slow", _SLOW)
        case _:
            return MailFailed("mail.unreachable", _UNREACHABLE)


def _forbidden(host: str) -> Bilingual:
    return Bilingual(
        f"Trục không được phép gọi đến máy chủ thư {host}: địa chỉ nội bộ hoặc không công khai. Quản trị "
        "viên hãy thêm dải mạng vào net.allow_private.",
        f"The gateway may not call the mail server {host}: its address is not public. An administrator must "
        "add its network to net.allow_private.",
    )


def _refused(error: smtplib.SMTPResponseException) -> Bilingual:
    said = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else ""
    words = "".join(c if c.isprintable() else " " for c in said[:200])
    return Bilingual(
        f"Máy chủ thư trả lời {error.smtp_code}: “{words}”.",
        f"The mail server answered {error.smtp_code}: “{words}”.",
    )


def _recipients(listed: str) -> Bilingual:
    return Bilingual(
        f"Máy chủ thư không nhận thư cho: {listed}. Hãy kiểm tra alerts.email_to.",
        f"The mail server takes no mail for: {listed}. Check alerts.email_to.",
    )


def _tls(error: Exception) -> Bilingual:
    return Bilingual(
        f"Không thiết lập được kết nối TLS tin cậy với máy chủ thư: {error}",
        f"No trusted TLS connection to the mail server: {error}",
    )


_LOGIN = Bilingual(
    "Máy chủ thư không chấp nhận tài khoản. Hãy kiểm tra alerts.smtp_user và alerts.smtp_password.",
    "The mail server does not accept the account. Check alerts.smtp_user and alerts.smtp_password.",
)
_NO_TLS = Bilingual(
    "Máy chủ thư không hỗ trợ TLS hoặc đăng nhập. Hãy kiểm tra alerts.smtp_security.",
    "The mail server offers no TLS, or no login. Check alerts.smtp_security.",
)
_SLOW = Bilingual(
    "Máy chủ thư không trả lời trong thời gian cho phép.", "The mail server did not answer in time."
)
_UNREACHABLE = Bilingual("Không kết nối được đến máy chủ thư.", "The mail server cannot be reached.")
