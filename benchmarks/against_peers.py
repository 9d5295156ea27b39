"""
Ours and Postfix with Dovecot, in turn, on the same work: the ratios.

    python benchmarks/against_peers.py [--scale small] [--only smtp,pop3]

Needs the load generator (the folder ``bench`` in MAILSUITE_SHARED, else in
``../shared``), Debian's postfix, dovecot-imapd, dovecot-pop3d & dovecot-lmtpd,
and root, which Postfix and Dovecot start as.  Everything listens on loopback.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_POOL_COUNT = {"small": 20000, "full": 100000}


def main() -> None:
    """
    The command.
    """
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--scale", choices=_POOL_COUNT, default="small")
    parser.add_argument("--only", default="", help="workloads, by comma")
    parser.add_argument("--rounds", default="3")
    parser.add_argument("--peer", default="postfix-dovecot")
    parser.add_argument(
        "--folder", type=Path, default=Path("/var/tmp/mailsuite-bench")
    )
    given = parser.parse_args()
    shared = Path(
        os.environ.get("MAILSUITE_SHARED", _HERE.parents[1] / "shared")
    )
    bench = shared / "bench"
    if not bench.is_dir():
        raise SystemExit(
            f"{bench}: the load generator is not there; set MAILSUITE_SHARED"
        )
    if os.geteuid() != 0:
        raise SystemExit("Postfix and Dovecot have to be started as root")
    folder = given.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    state, pool, ours = folder / "state", folder / "pool", folder / "ours"
    environment = os.environ | {
        "MAILBENCH_STATE": str(state),
        "MAILBENCH_POOL": str(pool),
        "MAILBENCH_PYTHON": sys.executable,
    }

    def run(*command: object) -> None:
        subprocess.run(
            [sys.executable, *map(str, command)], check=True, env=environment
        )

    if not pool.exists():
        run(
            bench / "corpus.py",
            "make",
            pool,
            "--count",
            _POOL_COUNT[given.scale],
        )
    run(_HERE / "target.py", "describe", ours)
    run(bench / "peers" / "ctl.py", "describe", given.peer)
    run(
        bench / "compare.py",
        ours / "target.json",
        state / given.peer / "peer.json",
        "--scale",
        given.scale,
        "--rounds",
        given.rounds,
        "--out",
        folder / "results.json",
        *(["--only", given.only] if given.only else []),
    )


if __name__ == "__main__":
    main()
