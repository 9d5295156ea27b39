"""
What a method of authentication comes to, in RFC 8601's words.
"""

from __future__ import annotations

from enum import Enum


class Verdict(Enum):
    """
    The results of RFC 8601 2.7; not every method has all of them.
    """

    NONE = "none"
    PASS = "pass"
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    POLICY = "policy"
    #: Nobody knows, for the moment: the DNS did not answer.
    TEMPERROR = "temperror"
    #: What was published, or sent, cannot be understood.
    PERMERROR = "permerror"


class Unanswered(Exception):
    """
    The DNS did not answer, and nothing can be said without it.
    """
