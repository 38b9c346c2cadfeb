"""The base classes of all services, and how a service file is loaded."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Optional

from mms.model_service.service_file import load_service
from mms.mxnet_engine.arrays import holds_bytes, materialise, move_to, wait_for
from mms.mxnet_engine.default_context import on, on_cpu
from mms.mxnet_engine.reasons import request_fault

if TYPE_CHECKING:
    import mxnet as mx

__all__ = ['URL_PREFIX', 'ModelService', 'MultiNodesService', 'SingleNodeService', 'load_service',
           'logger']

logger = logging.getLogger(__name__)

URL_PREFIX = ('http://', 'https://', 's3://')


class ModelService:
    """What the server asks of a service.

    Parameters
    ----------
    model_name
        ``Model-Name`` of the manifest.
    model_dir
        The folder that holds the archive's files.
    manifest
        ``MANIFEST.json``, parsed.
    gpu
        Number of the GPU to run on; None for the CPU.

    Attributes
    ----------
    model_name : str
    ctx : mxnet.Context or None
        Where it computes; None for a service that does not use MXNet.
    signature : dict
        What requests hold, in the schema of ``signature.json``; read when the service is made.
    """

    model_name: str
    ctx: Optional[mx.Context] = None
    _signature: Any = None

    def __init__(self, model_name: str, model_dir: str, manifest: dict[str, Any],
                 gpu: Optional[int] = None) -> None:
        self.model_name = model_name

    def inference(self, data: list[Any]) -> Any:
        """Answer one request.

        Parameters
        ----------
        data
            One entry an input of the signature: bytes, or a parsed list.
        """
        raise NotImplementedError(f'{type(self).__name__} does not define inference')

    def ping(self) -> Any:
        """Raise if the model cannot answer."""
        return 'healthy'

    @property
    def signature(self) -> Any:
        """``signature.json``, parsed; a subclass may replace it."""
        return self._signature

    @signature.setter
    def signature(self, signature: Any) -> None:
        self._signature = signature


class SingleNodeService(ModelService):
    """A service of one model on one device: subclasses define the three hooks.

    Attributes
    ----------
    batchable : bool or None
        Whether ``_inference`` may be given several requests at once, their arrays
        joined on axis 0. None: the worker finds out by a trial. A class attribute.
    stage_times_ms : dict
        How long the last call of :meth:`inference` spent in ``preprocess``,
        ``inference`` and ``postprocess``, in milliseconds, as far as it came.
    """

    batchable: Optional[bool] = None
    stage_times_ms: dict[str, float]

    def inference(self, data: list[Any]) -> Any:
        """Run ``_preprocess``, ``_inference`` and ``_postprocess``.

        Between the first two, NDArrays go to the service's ``ctx``, which is MXNet's
        default context in ``_inference``, as the CPU is in the other two. The results
        of ``_inference`` are waited for, so its time and its errors are its own.

        Raises
        ------
        BadRequest
            The input is no picture, or a tensor of the wrong shape.
        """
        self.stage_times_ms = {}
        try:
            for stage, run in (('preprocess', self._run_preprocess),
                               ('inference', self._run_inference),
                               ('postprocess', self._run_postprocess)):
                start = time.perf_counter()
                data = run(data)
                self.stage_times_ms[stage] = (time.perf_counter() - start) * 1000
        except Exception as error:
            fault = request_fault(error)
            if fault is None or fault is error:
                raise
            raise fault from error
        return data

    def _run_preprocess(self, data: Any) -> Any:
        with on_cpu():
            ready = materialise(self._preprocess(data))
        return ready if self.ctx is None else move_to(ready, self.ctx)

    def _run_inference(self, data: Any) -> Any:
        # Pictures that are still to be decoded can only be so on the processors.
        with on_cpu() if holds_bytes(data) else on(self.ctx):
            outputs = materialise(self._inference(data))
        wait_for(outputs)
        return outputs

    def _run_postprocess(self, data: Any) -> Any:
        with on_cpu():
            return materialise(self._postprocess(data))

    def _preprocess(self, data: list[Any]) -> Any:
        """Raw inputs, bytes or a list for each input -> what ``_inference`` takes."""
        return data

    def _inference(self, data: Any) -> Any:
        """What ``_preprocess`` returned -> outputs."""
        return data

    def _postprocess(self, data: Any) -> Any:
        """Outputs -> what the client gets."""
        return data


class MultiNodesService(ModelService):
    """A service of several models; its subclasses define ``inference`` themselves."""
