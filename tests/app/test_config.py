"""
Tests for ``mailsuite.app.config``.
"""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.app import config
from mailsuite.app.config import ConfigurationFaulty

_EXAMPLE = Path(__file__).parents[2] / "etc" / "mailsuite.toml"


class ReadTests(SynchronousTestCase):
    """
    Tests for ``read``.
    """

    def _file(self, text: str) -> Path:
        path = Path(self.mktemp())
        path.write_text(text)
        return path

    def _faults(self, text: str) -> dict[str, tuple[str, str]]:
        with self.assertRaises(ConfigurationFaulty) as caught:
            config.read(self._file(text))
        return {
            fault.key: (fault.found, fault.expected)
            for fault in caught.exception.faults
        }

    def test_an_empty_file_is_all_defaults(self) -> None:
        """
        Every option has a default.
        """
        found = config.read(self._file(""))

        self.assertEqual(found.host_name, "localhost")
        self.assertEqual(
            {one.protocol: one.port for one in found.listen},
            config.EMBEDDED_PORTS,
        )
        self.assertEqual(found.limits.message_octets, 50 * 1024 * 1024)

    def test_the_example_shows_every_option_with_its_default(self) -> None:
        """
        ``etc/mailsuite.toml`` says what holds without it.
        """
        shown = config.read(_EXAMPLE)
        default = config.Configuration()

        for name in default.__struct_fields__:
            if name not in ("state", "listen"):
                self.assertEqual(getattr(shown, name), getattr(default, name))
        text = _EXAMPLE.read_text()
        for kind in (config.Configuration, config.Limits, config.Login,
                     config.Listener, config.Certificate):  # fmt: skip
            for name in kind.__struct_fields__:
                if name != "option":
                    self.assertIn(name, text)

    def test_all_faults_are_found_at_once(self) -> None:
        """
        One wrong value does not hide the next.
        """
        faults = self._faults(
            'host_nam = "x"\nseparator = "x"\n'
            '[[listen]]\nprotocol = "imap"\nport = "a"\n'
            '[[listen]]\nprotocol = "gopher"\nport = 70\n'
            "[limits]\nrecipients = true\n"
        )

        self.assertEqual(
            set(faults),
            {
                "host_nam",
                "separator",
                "listen[0].port",
                "listen[1].protocol",
                "limits.recipients",
            },
        )
        self.assertEqual(faults["listen[0].port"], ("'a'", "a whole number"))

    def test_values_that_contradict_are_found(self) -> None:
        """
        Each is well formed, and cannot be meant.
        """
        faults = self._faults(
            'home = "/mail/{domain}"\ndetail_separator = ""\n'
            'uidl_format = "%v"\n'
            '[[listen]]\nprotocol = "imaps"\nport = 70000\ntls = "none"\n'
            'address = "localhost"\nproxy = ["10.0.0.1/8"]\n'
            "[limits]\nrecipients = 5\n"
        )

        self.assertEqual(
            set(faults),
            {
                "home",
                "detail_separator",
                "uidl_format",
                "listen[0].port",
                "listen[0].tls",
                "listen[0].address",
                "listen[0].proxy[0]",
                "limits.recipients",
            },
        )

    def test_a_malformed_value_hides_no_contradiction(self) -> None:
        """
        Both kinds of faults are told in one go, each once.
        """
        faults = self._faults(
            'home = "mail/{local}"\npostmaster = "bob"\n'
            'default_domain = "a b"\n'
            '[[listen]]\nprotocol = "gopher"\nport = 70\n'
            '[[listen]]\nprotocol = "imap"\nport = 70000\ntls = "yes"\n'
            '[login]\nscram = "maybe"\nfailure_seconds = -1\n'
            "[[certificate]]\nchain = 5\n"
        )

        self.assertEqual(
            set(faults),
            {
                "home",
                "postmaster",
                "default_domain",
                "listen[0].protocol",
                "listen[1].port",
                "listen[1].tls",
                "login.scram",
                "login.failure_seconds",
                "certificate[0].chain",
                "certificate[0].key",
            },
        )

    def test_times_of_the_queue(self) -> None:
        """
        There are some, all can come, and none comes after the end.
        """
        found = self._faults(
            "[queue]\nretry_minutes = []\nwarn_hours = 9999\n"
            "days = 1\nbounce_days = 9\n"
        )
        self.assertEqual(
            found,
            {
                "queue.retry_minutes": (
                    "[]",
                    "one number or more: [5, 10, 15]",
                ),
                "queue.warn_hours": (
                    "9999",
                    "a number above 0, 24 at most, as days is 1",
                ),
                "queue.bounce_days": (
                    "9",
                    "a number above 0, 1 at most, as days is 1",
                ),
            },
        )
        found = self._faults("[queue]\nwarn_hours = 121\n")
        self.assertEqual(list(found), ["queue.warn_hours"])
        found = self._faults(
            "[queue]\nretry_minutes = [5, 0, inf]\ndays = nan\n"
            "later_minutes = -1\n[login]\nfailure_seconds = inf\n"
        )
        self.assertEqual(
            set(found),
            {
                "queue.retry_minutes[1]",
                "queue.retry_minutes[2]",
                "queue.days",
                "queue.later_minutes",
                "login.failure_seconds",
            },
        )

    def test_times_may_be_as_long_as_the_queue_tries(self) -> None:
        """
        A warning at the end, and bounces that are kept as long as others.
        """
        found = config.read(
            self._file("[queue]\nwarn_hours = 72\ndays = 3\nbounce_days = 3\n")
        )

        self.assertEqual(found.queue.warn_hours, 72)

    def test_times_follow_the_days(self) -> None:
        """
        Who shortens the one need not know of the others.
        """
        found = config.read(self._file("[queue]\ndays = 0.1\n"))

        self.assertEqual(found.queue.bounce_days, 0.1)
        self.assertAlmostEqual(found.queue.warn_hours, 2.4)

    def test_whom_routes_are_for(self) -> None:
        """
        Patterns of domains, senders' addresses and domains; nothing else.
        """
        hop = 'via = "smart.test:25"\n'
        bad = (
            'to = "a b.test"', 'to = "x@y.test"', 'to = "."', 'to = "*.test"',
            'to = "[nothing]"', 'sender = "a b"', 'sender = "x@"',
            'sender = "*"',
        )  # fmt: skip
        good = (
            'to = "*"', 'to = ".bücher.test"', 'to = "[192.0.2.1]"',
            'to = "[IPv6:2001:db8::1]"', 'sender = "a@b.test"',
            'sender = "b.test"', 'to = "b.test"',
        )  # fmt: skip
        text = "".join(f"[[route]]\n{one}\n{hop}" for one in (*bad, *good))

        self.assertEqual(
            set(self._faults(text)),
            {
                f"route[{place}].{one.partition(' ')[0]}"
                for place, one in enumerate(bad)
            },
        )

    def test_two_routes_for_the_same(self) -> None:
        """
        In whatever spelling; the first of them is named.
        """
        hop = 'via = "smart.test:25"\n'
        text = "".join(
            f"[[route]]\n{one}\n{hop}"
            for one in (
                'to = "*"', 'to = "bücher.test"', 'sender = "a@b.test"',
                'to = "*"', 'to = "XN--bcher-kva.test"', 'sender = "A@B.test"',
            )
        )  # fmt: skip

        self.assertEqual(
            {key: found for key, (found, _) in self._faults(text).items()},
            {
                "route[3].to": "'*', as in route[0]",
                "route[4].to": "'XN--bcher-kva.test', as in route[1]",
                "route[5].sender": "'A@B.test', as in route[2]",
            },
        )

    def test_trusted_sealers(self) -> None:
        """
        They are domains.
        """
        found = self._faults(
            '[checks]\ntrusted_sealers = ["lists.test", "not a domain"]\n'
        )

        self.assertEqual(
            found["checks.trusted_sealers[1]"][0], "'not a domain'"
        )
        self.assertEqual(len(found), 1)

    def test_copies(self) -> None:
        """
        They are a list, each of which is an address.
        """
        faults = self._faults(
            'postmaster_copies = ["Ops@example.net", "bob", "a@b c"]\n'
        )
        self.assertEqual(
            set(faults), {"postmaster_copies[1]", "postmaster_copies[2]"}
        )
        self.assertEqual(
            set(self._faults('postmaster_copies = "a@example.org"\n')),
            {"postmaster_copies"},
        )

    def test_tables_that_are_none(self) -> None:
        """
        A value where a table belongs is a fault, and so is one for a list.
        """
        faults = self._faults('limits = 5\nlisten = "imap"\n')

        self.assertEqual(faults["limits"], ("5", "a table"))
        self.assertEqual(faults["listen"], ("'imap'", "a list of tables"))

    def test_what_is_no_toml_is_said_with_its_line(self) -> None:
        """
        The parser's own words name line and column.
        """
        faults = self._faults("host_name = \n")

        self.assertIn("line 1", faults["(syntax)"][0])

    def test_paths_are_relative_to_the_file(self) -> None:
        """
        It does not matter where the suite is started.
        """
        path = self._file('state = "mail"\n')

        found = config.read(path)

        self.assertEqual(found.state, str(path.absolute().parent / "mail"))


class FindFileTests(SynchronousTestCase):
    """
    Tests for ``find_file``.
    """

    def setUp(self) -> None:
        """
        A folder of our own, with a configuration in it.
        """
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        (folder / "mailsuite.toml").write_text("")
        before = os.getcwd()
        os.chdir(folder)
        self.addCleanup(os.chdir, before)
        self.patch(os, "environ", {})

    def test_the_file_here_is_found(self) -> None:
        """
        Without any word, ./mailsuite.toml is taken.
        """
        self.assertEqual(config.find_file(None), Path("mailsuite.toml"))

    def test_the_environment_comes_before_it(self) -> None:
        """
        MAILSUITE_CONFIG names another, which must be there.
        """
        os.environ["MAILSUITE_CONFIG"] = "other.toml"
        with self.assertRaises(ConfigurationFaulty):
            config.find_file(None)

        Path("other.toml").write_text("")

        self.assertEqual(config.find_file(None), Path("other.toml"))

    def test_the_option_comes_first(self) -> None:
        """
        What was named is taken, or is an error.
        """
        os.environ["MAILSUITE_CONFIG"] = "other.toml"
        with self.assertRaises(ConfigurationFaulty) as caught:
            config.find_file("named.toml")
        self.assertIn("named.toml", str(caught.exception))
