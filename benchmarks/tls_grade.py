"""What testssl.sh says of a server under TLS: its grade, and all that it finds.

::

    apt-get install testssl.sh
    python benchmarks/tls_grade.py

A server, whose authority testssl is told to trust, is asked by all that testssl tries,
once for each kind of key. It takes some minutes. Only testssl from 3.2 on gives a grade.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tls_server import KEYS, CertifiedServer

# What testssl makes of a finding.
_FINE = ('OK', 'INFO')
_LONGEST_S = 1200


def grade(key: str, command: str) -> list[str]:
    """Lines about a server with such a key."""
    with tempfile.TemporaryDirectory() as parent:
        server = CertifiedServer(Path(parent) / 'server', key)
        report = Path(parent) / 'report.json'
        try:
            subprocess.run(
                [command, '--quiet', '--color', '0', '--warnings', 'off', '--jsonfile', report,
                 '--add-ca', server.authority, f'localhost:{server.port}'],
                stdout=subprocess.DEVNULL, check=False, timeout=_LONGEST_S)
            found = json.loads(report.read_text(encoding='utf-8'))
        finally:
            server.stop()
    grades = [one['finding'] for one in found if one['id'] == 'overall_grade']
    wrong = [f"  {one['severity']} {one['id']}: {one['finding']}" for one in found
             if one['severity'] not in _FINE]
    fine = sum(one['severity'] in _FINE for one in found)
    return [f"{key}: grade {''.join(grades) or 'not given'}, {fine} findings that are fine, "
            f'{len(wrong)} others', *wrong]


def main() -> int:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--testssl', metavar='COMMAND', default='testssl',
                        help='testssl.sh, where it is not on the path')
    args = parser.parse_args()
    command = shutil.which(args.testssl)
    if command is None:
        print(f'{args.testssl} is not there: apt-get install testssl.sh, or --testssl COMMAND',
              file=sys.stderr)
        return 1
    for key in KEYS:
        print('\n'.join(grade(key, command)), flush=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
