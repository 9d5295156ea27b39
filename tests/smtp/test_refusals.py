"""
Tests for errors in SMTP's words.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite import errors
from mailsuite.smtp.refusals import refusal


class RefusalTests(SynchronousTestCase):
    """
    Tests for ``refusal``.
    """

    def test_codes(self) -> None:
        """
        Each error of reception and login has the codes that its RFC names.
        """
        for kind, code, enhanced in (
            (errors.NoSuchRecipient, 550, "5.1.1"),
            (errors.RelayDenied, 550, "5.7.1"),
            (errors.SignaturesBroken, 550, "5.7.20"),
            (errors.HostNotAuthorized, 550, "5.7.23"),
            (errors.NotAuthentic, 550, "5.7.26"),
            (errors.OverQuota, 452, "4.2.2"),
            (errors.TooManyRecipients, 452, "4.5.3"),
            (errors.StoreFull, 452, "4.3.1"),
            (errors.StoreBusy, 451, "4.3.0"),
            (errors.StoreUnavailable, 451, "4.3.0"),
            (errors.SenderRefused, 553, "5.7.1"),
            (errors.MailLoop, 554, "5.4.6"),
            (errors.MessageTooLarge, 552, "5.3.4"),
            (errors.MalformedMessage, 550, "5.6.0"),
            (errors.LoginRefused, 535, "5.7.8"),
            (errors.LoginUnavailable, 454, "4.7.0"),
            (errors.BadExchange, 501, "5.5.2"),
            (errors.EncryptionRequired, 538, "5.7.11"),
            (errors.MechanismUnknown, 504, "5.5.4"),
        ):
            reply = refusal(kind())
            self.assertEqual((reply.code, reply.enhanced), (code, enhanced))
            self.assertEqual(reply.text, kind.public)

    def test_codes_agree(self) -> None:
        """
        Whatever the error, both codes are of one class, and temporary is
        never told as permanent.
        """
        for kind in vars(errors).values():
            if not isinstance(kind, type) or not issubclass(
                kind, errors.MailError
            ):
                continue
            reply = refusal(kind())
            assert reply.enhanced is not None
            self.assertEqual(str(reply.code)[0], reply.enhanced[0])
            if kind.temporary:
                self.assertEqual(reply.enhanced[0], "4", kind)
