"""How to speak TLS to a management port: whom to trust, what to show, and what has failed."""

from __future__ import annotations

import ssl
from typing import NamedTuple, Optional

from mms.client.management_address import ManagementAddress
from mms.errors import UsageError

# Of OpenSSL, in what Python calls the reason; the server has sent the first two.
_WANTS_CERTIFICATE = ('CERTIFICATE_REQUIRED', 'HANDSHAKE_FAILURE')
_SPEAKS_NO_TLS = ('WRONG_VERSION_NUMBER', 'HTTP_REQUEST')
# Of the verification of a certificate: another name.
_OTHER_NAME = (62, 64)


class TLSFlags(NamedTuple):
    """What the command line has.

    Attributes
    ----------
    ca
        File of authorities to trust; None for those of the system.
    cert, key
        Files of the certificate to show; None for none, or the key in the same file.
    """

    ca: Optional[str] = None
    cert: Optional[str] = None
    key: Optional[str] = None


def client_context(flags: TLSFlags, dashes: str = '--') -> ssl.SSLContext:
    """What a connection needs.

    Parameters
    ----------
    dashes
        What stands before the names of files in messages.

    Raises
    ------
    UsageError
        A file cannot be used.
    """
    if flags.key is not None and flags.cert is None:
        raise UsageError(f'{dashes}key {flags.key!r} is given without its certificate: give '
                         f'{dashes}cert FILE')
    try:
        context = ssl.create_default_context(cafile=flags.ca)
    except OSError as error:
        raise UsageError(f'{dashes}ca {flags.ca!r} cannot be used ({_reason(error)}): give a PEM '
                         'file of authorities') from error
    if flags.cert is not None:
        try:
            context.load_cert_chain(flags.cert, flags.key, _no_password)
        except OSError as error:
            raise UsageError(f'{dashes}cert {flags.cert!r} and its key cannot be used '
                             f'({_reason(error)}): give PEM files of both, with {dashes}key FILE '
                             'where the key has its own') from error
    return context


def refuse_for_plain(flags: TLSFlags, address: ManagementAddress, dashes: str = '--') -> None:
    """See that nobody who means TLS sends a token without it.

    Raises
    ------
    UsageError
        There are files for TLS, and the address is one without.
    """
    given = [f'{dashes}{name}' for name, file in flags._asdict().items() if file is not None]
    if given:
        raise UsageError(f"{' and '.join(given)}: only for TLS, which {address.shown} does "
                         'without: give its address with https://')


def wants_certificate(error: ssl.SSLError) -> bool:
    """Whether it is the server's word that it asks for a certificate."""
    return bool(error.reason) and error.reason.endswith(_WANTS_CERTIFICATE)


def failure(address: ManagementAddress, error: ssl.SSLError, dashes: str = '--') -> str:
    """What has failed, and the mend."""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _OTHER_NAME:
            return (f'the certificate of {address.shown} is that of another name: give the '
                    f'address by the name in it ({error.verify_message})')
        return (f'the certificate of {address.shown} is not trusted ({error.verify_message}): give '
                f'the authority that has signed it with {dashes}ca FILE')
    if wants_certificate(error):
        return (f'{address.shown} asks for a certificate ({_reason(error)}): give one with '
                f'{dashes}cert FILE and {dashes}key FILE')
    if isinstance(error, ssl.SSLEOFError):
        return (f'{address.shown} has ended the connection: where it asks for a certificate, give '
                f'one with {dashes}cert FILE and {dashes}key FILE')
    if error.reason in _SPEAKS_NO_TLS:
        return f'{address.shown} speaks no TLS: give its address with http://'
    return f'no TLS with {address.shown}: {_reason(error)}'


def _reason(error: OSError) -> str:
    reason = getattr(error, 'reason', None)
    return reason.replace('_', ' ').lower() if reason else error.strerror or str(error)


def _no_password() -> str:
    """Called for a key that is encrypted, instead of asking at the terminal."""
    raise UsageError('the key of --cert is encrypted: write it without its passphrase (openssl '
                     'pkey -in FILE -out FILE)')
