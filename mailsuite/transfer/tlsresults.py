"""
In what a session failed, in the words of reports (RFC 8460 4.3).
"""

from __future__ import annotations

from dataclasses import dataclass

from OpenSSL import crypto
from service_identity import CertificateError, VerificationError

from mailsuite.smtp.wire.failures import (
    NotAuthenticated,
    SendingFailed,
    TLSFailed,
    TLSNotOffered,
)
from mailsuite.transfer.policy import SessionSeen

#: OpenSSL's numbers for dates that have passed, or have not come.
_BY_DATE = frozenset({9, 10})


@dataclass(frozen=True, slots=True)
class Failed:
    """
    What kept a session from being what its policy demands.

    :param result: RFC 8460's word for it.
    :param reason: more about it; one line.
    """

    result: str
    reason: str = ""
    host: str = ""
    address: str = ""

    def at(self, host: str, address: str) -> Failed:
        """
        The same, of a host.
        """
        return Failed(self.result, self.reason, host, address)


def failure_of(session: SessionSeen) -> Failed | None:
    """
    What a session failed in; None if it has TLS.

    Without TLS where none is demanded, it failed too: that is what domains
    without a policy want to hear.
    """
    if session.failure is not None:
        return failed_by(session.failure)
    if session.tls is None:
        return Failed("starttls-not-supported")
    return None


def failed_by(fact: SendingFailed) -> Failed:
    """
    What a fact is in the words of reports.
    """
    match fact:
        case TLSNotOffered():
            return Failed("starttls-not-supported", str(fact))
        case TLSFailed():
            return Failed("validation-failure", str(fact))
        case NotAuthenticated():
            return Failed(_certificate_result(fact.__cause__), str(fact))
    return Failed("validation-failure", str(fact))


def _certificate_result(cause: BaseException | None) -> str:
    match cause:
        case crypto.X509StoreContextError(errors=[int(number), *_]):
            if number in _BY_DATE:
                return "certificate-expired"
            return "certificate-not-trusted"
        case VerificationError() | CertificateError():
            return "certificate-host-mismatch"
    return "validation-failure"
