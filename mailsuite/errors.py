"""
What can go wrong with mail, in no protocol's words.

Each error says whether the same request may succeed later (``temporary``) and
carries a text that a peer may read (``public``).  A front-end has one function
that turns these into its own replies; whatever is not a ``MailError`` is a bug,
logged whole and answered with a constant.
"""

from __future__ import annotations


class MailError(Exception):
    """
    A fact that keeps a request from being carried out.
    """

    temporary: bool = False
    public: str = "The request cannot be carried out"

    def __init__(self, public: str | None = None) -> None:
        super().__init__(public or self.public)
        if public is not None:
            self.public = public


# --- The store ---------------------------------------------------------------


class StoreBusy(MailError):
    """
    The store cannot answer now; the same request may succeed later.
    """

    temporary = True
    public = "Mail store is busy"


class StoreUnavailable(MailError):
    """
    The store cannot be read or written at the moment (EIO, read-only).
    """

    temporary = True
    public = "Mail store is not available"


class StoreFull(MailError):
    """
    The disk, or the system's own quota, is full; nothing was kept.
    """

    temporary = True
    public = "Insufficient system storage"


class OverQuota(MailError):
    """
    The message does not fit into the account's quota; nothing was kept.
    """

    public = "Quota exceeded"


class MessageTooLarge(MailError):
    """
    The message is larger than the configured limit.
    """

    public = "Message is too large"


class NoSuchMailbox(MailError):
    """
    There is no mailbox of that name.
    """

    public = "No such mailbox"


class MailboxExists(MailError):
    """
    There is a mailbox of that name already.
    """

    public = "Mailbox exists already"


class InvalidMailboxName(MailError):
    """
    No mailbox can have that name here.
    """

    public = "Mailbox name is not possible here"


class MailboxNotRemovable(MailError):
    """
    This mailbox cannot be deleted (INBOX, or one that has children only).
    """

    public = "Mailbox cannot be deleted"


class MailboxReadOnly(MailError):
    """
    The mailbox cannot be changed.
    """

    public = "Mailbox is read-only"


class NoSuchMessage(MailError):
    """
    The message has been expunged.
    """

    public = "Some of the messages no longer exist"


class TooManyKeywords(MailError):
    """
    The mailbox holds as many keywords as it can.
    """

    public = "Mailbox cannot take another keyword"


class UnknownSpecialUse(MailError):
    """
    The special use is not one that is kept here.
    """

    public = "Special use is not supported"


class MaildropInUse(MailError):
    """
    Another session has the maildrop.
    """

    temporary = True
    public = "Maildrop is in use by another session"


# --- Accounts ----------------------------------------------------------------


class LoginRefused(MailError):
    """
    Unknown user, wrong password or suspended account: which, is not told.
    """

    public = "Authentication failed"


class LoginUnavailable(MailError):
    """
    The attempt could not be judged; the same one may succeed later.
    """

    temporary = True
    public = "Authentication is not available now"


class EncryptionRequired(MailError):
    """
    A password would have crossed the network in clear.
    """

    public = "Encryption is required for authentication"


class MechanismUnknown(MailError):
    """
    The SASL mechanism is not offered on this connection.
    """

    public = "Authentication mechanism is not supported"


class BadExchange(MailError):
    """
    The client's part of a SASL exchange breaks the mechanism's syntax.
    """

    public = "Malformed authentication response"


# --- Transfer ----------------------------------------------------------------


class NoSuchRecipient(MailError):
    """
    The domain is ours and the address is not.
    """

    public = "No such user here"


class RelayDenied(MailError):
    """
    The address is elsewhere, and the peer may not send there through us.
    """

    public = "Relaying is not permitted"


class SenderRefused(MailError):
    """
    The reverse-path or From is not the login's own.
    """

    public = "Sender address does not belong to this login"


class HostNotAuthorized(MailError):
    """
    The sender's domain says that this host does not send for it (SPF).
    """

    public = "This host may not send for the sender's domain"


class SignaturesBroken(MailError):
    """
    The message is signed, and no signature is good (DKIM).
    """

    public = "No signature of the message is good"


class NotAuthentic(MailError):
    """
    The message is not from whom it says, and the owner of that domain asks
    that such mail be refused (DMARC).
    """

    public = "Message is not authentic"


class MailLoop(MailError):
    """
    The message has passed too many hosts.
    """

    public = "Too many hops, this looks like a mail loop"


class MalformedMessage(MailError):
    """
    The content breaks a rule without which it cannot be kept safely.
    """

    public = "Message content is malformed"


class ExpansionTooLarge(MailError):
    """
    An address stands for more addresses than we follow; the operator can
    mend that, so the sender may try again.
    """

    temporary = True
    public = "Too many addresses behind this one"


class TooManyRecipients(MailError):
    """
    The transaction holds as many recipients as it may.
    """

    temporary = True
    public = "Too many recipients"
