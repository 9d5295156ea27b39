"""
Tells twistd of the suite.
"""

from twisted.application.service import ServiceMaker

mailsuite = ServiceMaker(
    "Mailsuite",
    "mailsuite.app.options",
    "All-in-one mail suite: SMTP, submission, LMTP, POP3 and IMAP.",
    "mailsuite",
)
