"""``ModelLoader.load``: from names and locations to folders that can be served."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Optional

from mms.archive.admission import Admission
from mms.archive.keys import PublicKeys
from mms.archive.location import Location
from mms.archive.reader import LoadedModel, open_model
from mms.runtime.workspace import Workspace


class ModelLoader:
    """Opens model archives (drop-in of MMS 0.4's)."""

    @staticmethod
    def load(
        models: Mapping[str, str], workspace: Optional[str] = None, progress: bool = False,
        require_signed: Optional[str] = None
    ) -> list[LoadedModel]:
        """Fetch, extract and check the archive of every model, in order.

        Parameters
        ----------
        models
            Endpoint name -> location: a ``.model`` file, a folder, or a ``file://``,
            ``http(s)://`` or ``s3://`` URL; behind it there may be ``#sha256=`` and the
            SHA-256 of the archive in hex.
        workspace
            Folder that takes downloads and extracted archives. By default a private
            one that is removed when the process ends.
        progress
            Show a progress bar for each download.
        require_signed
            PEM file of Ed25519 public keys, one of which must have signed each archive.

        Returns
        -------
        list of LoadedModel
            Tuples ``(service_name, model_name, model_dir, manifest)``.

        Raises
        ------
        StartupError
            The first archive that cannot be used.
        """
        keys = PublicKeys(require_signed, 'require_signed') if require_signed is not None else None
        folder = workspace or _process_workspace().path
        return [open_model(name, Location.parse(location), folder, progress, Admission(keys))
                for name, location in models.items()]


@lru_cache(maxsize=1)
def _process_workspace() -> Workspace:
    return Workspace()
