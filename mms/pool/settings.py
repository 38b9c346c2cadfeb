"""What the user wants of each model's workers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Optional

from mms.devices.device import Device
from mms.metrics.observer import Observer, Restart, Unobserved
from mms.pool.launcher import Launcher
from mms.runtime.byte_budget import ByteBudget
from mms.runtime.model_identity import Identity
from mms.runtime.resources import Resources


@dataclass(frozen=True)
class PoolSettings:
    """What the user wants of each model's workers.

    Attributes
    ----------
    workers
        How many answer at the same time; None to choose.
    fewest_workers
        Where the load decides, `workers` are the most, and these the fewest; None where it does
        not.
    devices
        The device of each worker; none for the processors, shared by all workers.
    models
        How many models share the machine.
    max_requests
        A worker is replaced after so many requests; 0 for never.
    max_memory_bytes
        A worker with more private memory is replaced; 0 for no limit.
    optimize
        Whether Gluon networks may be fused.
    identity
        Who the processes are.
    budget
        Where the answers of the workers count that are held.
    observer
        Is told of restarts.
    launcher
        Forks the processes that load models; None where each is a Python of its own.
    """

    resources: Resources
    workers: Optional[int] = None
    fewest_workers: Optional[int] = None
    devices: Sequence[Device] = ()
    models: int = 1
    max_requests: int = 0
    max_memory_bytes: int = 0
    optimize: bool = True
    identity: Identity = field(default_factory=Identity)
    budget: ByteBudget = field(default_factory=ByteBudget)
    observer: Observer = field(default_factory=Unobserved)
    launcher: Optional[Launcher] = None

    def exceeded(self, served: int, memory_bytes: int) -> Optional[Restart]:
        """Why a worker that has answered so much, and has so much memory, is to be replaced; None
        where it is not.
        """
        if 0 < self.max_requests <= served:
            return Restart.REQUESTS
        return Restart.MEMORY if 0 < self.max_memory_bytes < memory_bytes else None
