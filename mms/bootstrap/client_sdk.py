"""``--gen-api``: a client for the models, in place of a server."""

from __future__ import annotations

from mms.bootstrap.http_service import load_models
from mms.bootstrap.parts import Parts
from mms.event_loop.in_thread import in_thread
from mms.event_loop.uninterrupted import UninterruptedExitStack
from mms.runtime.programs import Programs
from mms.runtime.signals import SignalRequests


def write_client(parts: Parts, language: str, signals: SignalRequests) -> None:
    """Load the models, and write a client for them to ``build/``.

    Raises
    ------
    StartupError
    """
    from mms.client.sdk import check_language, generate_client

    # Nothing listens: the server that the client is for may be running.
    with UninterruptedExitStack() as undo:
        log = parts.start_log()
        programs = Programs()
        said = parts.settings.said('gen_api')
        generator = in_thread(lambda: check_language(language, programs, said), programs.stop)
        models = load_models(parts, undo)
        description = parts.description(models, parts.settings.port)
        programs = Programs()
        in_thread(lambda: generate_client(description, language, programs=programs,
                                          generator=generator), programs.stop)
        log.discard()
