"""
What can go wrong with mail, in IMAP's words: response codes of RFC 5530.
"""

from __future__ import annotations

from mailsuite import errors
from mailsuite.imap.answers import Done
from mailsuite.imap.bodies import UnknownTransferEncoding
from mailsuite.imap.wire.responses import NO

#: The nearest class of an error's counts.
_CODES: dict[type[errors.MailError], bytes] = {
    errors.StoreBusy: b"INUSE",
    errors.StoreUnavailable: b"UNAVAILABLE",
    errors.StoreFull: b"OVERQUOTA",
    errors.OverQuota: b"OVERQUOTA",
    errors.MessageTooLarge: b"TOOBIG",
    errors.NoSuchMailbox: b"NONEXISTENT",
    errors.MailboxExists: b"ALREADYEXISTS",
    errors.InvalidMailboxName: b"CANNOT",
    errors.MailboxNotRemovable: b"CANNOT",
    errors.MailboxReadOnly: b"NOPERM",
    errors.NoSuchMessage: b"EXPUNGEISSUED",
    UnknownTransferEncoding: b"UNKNOWN-CTE",
    errors.TooManyKeywords: b"LIMIT",
    errors.UnknownSpecialUse: b"USEATTR",
    errors.LoginRefused: b"AUTHENTICATIONFAILED",
    errors.LoginUnavailable: b"UNAVAILABLE",
    errors.EncryptionRequired: b"PRIVACYREQUIRED",
    errors.MechanismUnknown: b"CANNOT",
}


def refusal(error: errors.MailError, code: bytes | None = None) -> Done:
    """
    The tagged NO for an error.

    :param code: instead of the error's usual one.
    """
    if code is None:
        code = next(
            (_CODES[kind] for kind in type(error).__mro__ if kind in _CODES),
            None,
        )
    return Done(
        error.public.encode("ascii", "replace"), code=code, condition=NO
    )
