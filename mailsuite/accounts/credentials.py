"""
What somebody logs in with, and who judges it (twisted.cred).

Implementation notes

- An avatar's id is an ``Identity``: an account, at the moment at which it was
  proven.  Another directory (LDAP, say) is another checker in the same portal.
- Checkers say ``UnauthorizedLogin`` alike for an unknown user, a wrong
  password and a suspended account, after about the same work; that the answer
  comes at one fixed time is the caller's business.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import ICredentials
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger
from zope.interface import Attribute, implementer

from mailsuite.accounts import account_rows
from mailsuite.accounts.account_rows import Verifiers
from mailsuite.accounts.directory import Directory
from mailsuite.accounts.passwords import Passwords
from mailsuite.errors import MailError


class ITypedPassword(ICredentials):
    """
    A user and a password, as somebody typed them.
    """

    user: str = Attribute("A full address, or a local part alone.")
    password: str = Attribute("Not prepared in any way.")


class IProvenPassword(ICredentials):
    """
    A SCRAM exchange was completed with the keys of ``verifiers``.
    """

    verifiers: Verifiers = Attribute("Whose keys they are.")


@implementer(ITypedPassword)
@dataclass(frozen=True, slots=True)
class TypedPassword:
    """
    See ``ITypedPassword``.
    """

    user: str
    password: str = field(repr=False)


@implementer(IProvenPassword)
@dataclass(frozen=True, slots=True)
class ProvenPassword:
    """
    See ``IProvenPassword``.
    """

    verifiers: Verifiers = field(repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """
    An avatar's id.

    :param login_epoch: the account's number of the moment; sessions end when
        it changes.
    """

    number: int
    login_epoch: int

    @classmethod
    def parse(cls, avatar_id: bytes) -> Identity:
        """
        The identity that ``avatar_id`` made.
        """
        number, login_epoch = map(int, avatar_id.split())
        return cls(number, login_epoch)

    @property
    def avatar_id(self) -> bytes:
        """
        As twisted.cred carries it from the checker to the realm.
        """
        return b"%d %d" % (self.number, self.login_epoch)


@implementer(ICredentialsChecker)
class PasswordChecker:
    """
    Judges what somebody typed; keeps imported passwords better from then on.
    """

    credentialInterfaces = (ITypedPassword,)

    _log = Logger()

    def __init__(self, directory: Directory, passwords: Passwords) -> None:
        self._directory = directory
        self._passwords = passwords

    def requestAvatarId(
        self, credentials: ITypedPassword
    ) -> Deferred[bytes | tuple[()]]:
        """
        Whom the credentials prove.  (Name and case are Twisted's.)

        Fails with ``UnauthorizedLogin``; with ``MailError`` if that could not
        be found out.
        """
        return Deferred.fromCoroutine(self._judge(credentials))

    async def _judge(self, credentials: ITypedPassword) -> bytes | tuple[()]:
        key = self._directory.routes.login_key(credentials.user)
        verifiers = await self._directory.read(account_rows.verifiers, *key)
        judgement = await self._passwords.judge(verifiers, credentials.password)
        if verifiers is not None and judgement.why_not is not None:
            self._log.warn(
                "The password of {account} cannot be verified: {why}",
                account=verifiers.address,
                why=judgement.why_not,
            )
        if verifiers is None or verifiers.suspended or not judgement.right:
            raise UnauthorizedLogin
        if judgement.better is not None:
            await self._keep(verifiers, judgement.better)
        return Identity(verifiers.number, verifiers.login_epoch).avatar_id

    async def _keep(
        self, verifiers: Verifiers, better: account_rows.NewPassword
    ) -> None:
        """
        Keep the password in its better form; a login does not fail if that
        does.
        """
        try:
            await self._directory.change(
                account_rows.keep_better,
                verifiers.number,
                verifiers.password,
                better,
            )
        except MailError as error:
            self._log.warn(
                "The password of {account} could not be rehashed: {why}",
                account=verifiers.address,
                why=error.public,
            )


@implementer(ICredentialsChecker)
class ProofChecker:
    """
    Takes a completed SCRAM exchange for what it is.
    """

    credentialInterfaces = (IProvenPassword,)

    def requestAvatarId(
        self, credentials: IProvenPassword
    ) -> Deferred[bytes | tuple[()]]:
        """
        Whom the credentials prove.  (Name and case are Twisted's.)

        Fails with ``UnauthorizedLogin``.
        """
        verifiers = credentials.verifiers
        if verifiers.suspended:
            return fail(UnauthorizedLogin())
        identity = Identity(verifiers.number, verifiers.login_epoch)
        return succeed(identity.avatar_id)
