"""The services of one archive: its class is loaded once, and makes as many as are wanted."""

from __future__ import annotations

import sys
from typing import Any, Optional

from mms.devices.device import Device
from mms.worker.loading.advice import class_advice
from mms.worker.loading.service_loader import build_service, import_folders, load_service_class


class ServiceFactory:
    """Loads the service class of an archive, and makes its services.

    From then on this process also looks for imports beside the service file and in `model_dir`.

    Parameters
    ----------
    service_file
        The file that defines the class.
    model_name
        ``Model-Name`` of the manifest.
    model_dir
        The folder that holds the archive's files.
    manifest
        The archive's.
    device
        Where the services run; None for the processors, shared by all workers.

    Attributes
    ----------
    service_class
        The class.
    advice
        Mistakes of its author that stop nothing, a line for each.

    Raises
    ------
    ServiceError
        The file cannot be loaded, or does not define one service class.
    """

    def __init__(self, service_file: str, model_name: str, model_dir: str,
                 manifest: dict[str, Any], device: Optional[Device] = None) -> None:
        sys.path.extend(import_folders(service_file, model_dir))
        self.service_class = load_service_class(service_file, manifest['Model']['Model-Format'])
        self.advice = class_advice(self.service_class)
        self._arguments = model_name, model_dir, manifest, device

    def make(self) -> Any:
        """A new service; raises what :func:`build_service` does."""
        return build_service(self.service_class, *self._arguments)
