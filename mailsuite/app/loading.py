"""
Code that would be loaded late, loaded while it can still be read.

Implementation notes

- Python imports a codec when somebody first asks for it (a charset of a
  message, OpenSSL's "charmap"), and dnspython a type of record.  A suite that
  has given root up may find its interpreter in a folder of root's by then.
"""

from __future__ import annotations

import encodings
import pkgutil
from contextlib import suppress
from importlib import import_module

import dns.rdata


def load_the_rest() -> None:
    """
    Load all codecs, and all types of DNS records.

    Takes a tenth of a second and some megabytes.
    """
    for module in pkgutil.iter_modules(encodings.__path__, "encodings."):
        # Some are for other systems alone.
        with suppress(ImportError):
            import_module(module.name)
    dns.rdata.load_all_types()
