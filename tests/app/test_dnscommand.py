"""
Tests for ``mailsuite dns`` where nothing is asked of the DNS.
"""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.app import admin


class DNSTests(SynchronousTestCase):
    """
    Tests for ``mailsuite dns``.
    """

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        (self.folder / "state").mkdir(parents=True)
        self.file = self.folder / "mailsuite.toml"
        self.file.write_text(
            'host_name = "mail.bücher.example"\n'
            'default_domain = "bücher.example"\nstate = "state"\n'
        )

    def run_with(self, *arguments: str) -> Result:
        """
        What a command does.
        """
        return CliRunner().invoke(
            admin.main, ["-c", str(self.file), *arguments]
        )

    def test_names_are_a_labels(self) -> None:
        """
        The DNS knows no others; U-labels and a last dot may be typed.
        """
        result = self.run_with("dns", "Bücher.example.")
        self.assertEqual(result.exit_code, 0, result.output)
        self.assertTrue(result.output.isascii())
        self.assertIn(
            "xn--bcher-kva.example. IN MX 10 mail.xn--bcher-kva.example.",
            result.output,
        )

    def test_keys(self) -> None:
        """
        Keys that sign, or will, are published; retired ones no more.
        """
        made = self.run_with("dkim", "new", "bücher.example", "--selector", "a")
        self.assertEqual(made.exit_code, 0, made.output)
        self.run_with("dkim", "new", "bücher.example", "--selector", "b")
        self.run_with("dkim", "use", "bücher.example")

        names = [
            one["name"].partition(".")[0]
            for one in json.loads(
                self.run_with("dns", "bücher.example", "--json").output
            )
            if "_domainkey" in one["name"]
        ]
        self.assertEqual(names, ["b", "be"])

    def test_addresses(self) -> None:
        """
        The host's own records are printed where its addresses are told.
        """
        without = self.run_with("dns", "bücher.example").output
        self.assertIn("--address IP", without)
        self.assertNotIn(" IN PTR ", without)
        given = self.run_with(
            "dns", "bücher.example", "--address", "192.0.2.1"
        ).output
        self.assertNotIn("--address IP", given)
        self.assertIn("1.2.0.192.in-addr.arpa. IN PTR", given)

    def test_no_mail(self) -> None:
        """
        A name of anybody's may be said to have none.
        """
        output = self.run_with("dns", "www.example", "--no-mail").output
        self.assertIn("www.example. IN MX 0 .", output)
        self.assertNotIn("--address IP", output)

    def test_what_is_refused(self) -> None:
        """
        In one line that says why.
        """
        for arguments, why in (
            (["dns", "other.example"], "no domain of this suite"),
            (["dns", "a b"], "not a domain name"),
            (["dkim", "new", "other.example"], "no domain of this suite"),
            (["queue", "list"], "no suite runs there"),
            (["queue", "flush"], "no suite runs there"),
            (["trace", "x"], "no suite runs there"),
        ):
            result = self.run_with(*arguments)
            self.assertNotEqual(result.exit_code, 0)
            self.assertIn(why, result.output.splitlines()[-1])
            self.assertIsInstance(result.exception, SystemExit)
