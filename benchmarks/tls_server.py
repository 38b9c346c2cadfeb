"""A server under TLS, or without it, for measurements."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Optional

import psutil
from dense import build_archive

KEYS = {'ec': ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
        'rsa': ['-newkey', 'rsa:2048']}


class CertifiedServer:
    """A server with one worker of a small model.

    Parameters
    ----------
    folder
        Becomes its folder.
    key
        Kind of its key, of :data:`KEYS`; None for plain HTTP.

    Attributes
    ----------
    authority
        Has signed its certificate.
    """

    def __init__(self, folder: Path, key: Optional[str]) -> None:
        folder.mkdir()
        self.authority = folder / 'ca.crt'
        words = ['--models', f'm={build_archive(folder)}', '--workers', '1', '--port', '0']
        if key:
            words += ['--tls-cert', str(folder / 'server.crt'),
                      '--tls-key', str(folder / 'server.key')]
            _certify(folder, KEYS[key])
        self.context = ssl.create_default_context(cafile=str(self.authority)) if key else None
        self.process = subprocess.Popen(
            [sys.executable, '-m', 'mms', *words], cwd=folder, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.port = int(line.split('//')[1].split()[0].rpartition(':')[2])

    def computed_s(self) -> float:
        """Seconds that the front process has computed."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def stop(self) -> None:
        """End it."""
        os.kill(self.process.pid, signal.SIGINT)
        self.process.wait()


def _certify(folder: Path, key: list[str]) -> None:
    """Make an authority, and a certificate that it has signed."""
    for name, words in {
            'ca': ['-subj', '/CN=an authority'],
            'server': ['-subj', '/CN=localhost', '-CA', 'ca.crt', '-CAkey', 'ca.key',
                       '-addext', 'basicConstraints=critical,CA:FALSE',
                       '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']}.items():
        subprocess.run(['openssl', 'req', '-x509', *key, '-nodes', '-days', '90', *words,
                        '-keyout', f'{name}.key', '-out', f'{name}.crt'],
                       cwd=folder, check=True, capture_output=True)
