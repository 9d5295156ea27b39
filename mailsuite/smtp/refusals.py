"""
What went wrong with mail, in SMTP's words.
"""

from __future__ import annotations

from mailsuite.errors import (
    BadExchange,
    EncryptionRequired,
    HostNotAuthorized,
    LoginRefused,
    LoginUnavailable,
    MailError,
    MailLoop,
    MalformedMessage,
    MechanismUnknown,
    MessageTooLarge,
    NoSuchRecipient,
    NotAuthentic,
    OverQuota,
    RelayDenied,
    SenderRefused,
    SignaturesBroken,
    StoreFull,
    TooManyRecipients,
)
from mailsuite.smtp.wire.replies import Reply

# RFC 5321 4.2.3, RFC 3463, RFC 4954 6.
_CODES: dict[type[MailError], tuple[int, str]] = {
    NoSuchRecipient: (550, "5.1.1"),
    RelayDenied: (550, "5.7.1"),
    # RFC 7372
    SignaturesBroken: (550, "5.7.20"),
    HostNotAuthorized: (550, "5.7.23"),
    NotAuthentic: (550, "5.7.26"),
    # A full mailbox is emptied some day: the client shall keep the message.
    OverQuota: (452, "4.2.2"),
    TooManyRecipients: (452, "4.5.3"),
    SenderRefused: (553, "5.7.1"),
    MessageTooLarge: (552, "5.3.4"),
    StoreFull: (452, "4.3.1"),
    MailLoop: (554, "5.4.6"),
    MalformedMessage: (550, "5.6.0"),
    LoginRefused: (535, "5.7.8"),
    LoginUnavailable: (454, "4.7.0"),
    BadExchange: (501, "5.5.2"),
    EncryptionRequired: (538, "5.7.11"),
    MechanismUnknown: (504, "5.5.4"),
}
_TEMPORARY = (451, "4.3.0")
_PERMANENT = (554, "5.3.0")


def refusal(error: MailError) -> Reply:
    """
    The reply that tells a client of an error.
    """
    fallback = _TEMPORARY if error.temporary else _PERMANENT
    code, enhanced = _CODES.get(type(error), fallback)
    return Reply(code, enhanced, error.public)
