"""
GETQUOTA, GETQUOTAROOT and SETQUOTA (RFC 9208): one root, the account; none if
the account has no limits, since a root has at least one.
"""

from __future__ import annotations

from mailsuite.imap.answers import Done
from mailsuite.imap.session import Session
from mailsuite.imap.wire import responses
from mailsuite.imap.wire.commands import GetQuota, GetQuotaRoot, SetQuota

#: The name of the one quota root.
_ROOT = ""

#: STORAGE counts in units of so many octets (RFC 9208 5.1).
_STORAGE_UNIT = 1024


async def get_quota(session: Session, command: GetQuota) -> Done:
    """
    Tell the account's use and limits.
    """
    quota = await _quota(session) if command.root == _ROOT else b""
    if not quota:
        return Done(
            b"No such quota root", b"NONEXISTENT", condition=responses.NO
        )
    return Done(b"GETQUOTA completed", untagged=quota)


async def get_quota_root(session: Session, command: GetQuotaRoot) -> Done:
    """
    Tell which quota a mailbox, there or not, counts to.
    """
    name = session.to_client(session.from_client(command.mailbox))
    quota = await _quota(session)
    roots = (_ROOT,) if quota else ()
    return Done(
        b"GETQUOTAROOT completed",
        untagged=responses.quota_root(name, roots) + quota,
    )


async def set_quota(session: Session, command: SetQuota) -> Done:
    """
    Refuse: limits are the operator's to set.
    """
    return Done(
        b"Quotas are set by the operator", b"NOPERM", condition=responses.NO
    )


async def _quota(session: Session) -> bytes:
    """
    The QUOTA response; empty if nothing is limited.
    """
    quota = await session.own_account().quota()
    resources: list[tuple[bytes, int, int]] = []
    if quota.octets_limit is not None:
        used = -(-quota.octets // _STORAGE_UNIT)
        most = quota.octets_limit // _STORAGE_UNIT
        resources.append((b"STORAGE", used, most))
    if quota.messages_limit is not None:
        resources.append((b"MESSAGE", quota.messages, quota.messages_limit))
    return responses.quota(_ROOT, resources) if resources else b""
