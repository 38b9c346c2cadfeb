"""Which models a server has: those that requests find, those that come or go, and those that are
parked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mms.errors import ModelExists, ModelNotFound, ModelUnavailable, RequestError
from mms.serving.model_factory import OpenedModel
from mms.serving.model_state import ModelState
from mms.serving.served_model import ServedModel


class ModelTable:
    """The models by name.

    Attributes
    ----------
    parked
        Those that have no process.
    revision
        A number that grows whenever a model that requests find comes, is replaced, or goes.
    """

    def __init__(self) -> None:
        self._served: dict[str, ServedModel] = {}
        # Those that load or drain.
        self._aside: dict[ServedModel, None] = {}
        self._opened: dict[ServedModel, OpenedModel] = {}
        self.parked: dict[str, OpenedModel] = {}
        self.revision = 0

    @property
    def served(self) -> Mapping[str, ServedModel]:
        """Those that requests find, in the order in which they came."""
        return self._served

    @property
    def all(self) -> Sequence[ServedModel]:
        """Those that have processes."""
        return [*self._served.values(), *self._aside]

    @property
    def coming(self) -> Sequence[ServedModel]:
        """Those that load."""
        return [model for model in self._aside if model.state is ModelState.LOADING]

    def __contains__(self, name: object) -> bool:
        return name in self._served or name in self.parked

    def __getitem__(self, name: str) -> ServedModel:
        """A model that requests find.

        Raises
        ------
        ModelNotFound, ModelUnavailable
        """
        try:
            return self._served[name]
        except KeyError:
            raise self._not_served(name) from None

    def check_free(self, name: str) -> None:
        """See that no model has the name.

        Raises
        ------
        ModelExists
        """
        if name in self:
            raise ModelExists(f'A model {name} is served already.')

    def begin(self, model: ServedModel) -> None:
        """It loads from now on."""
        self._aside[model] = None

    def serve(self, opened: OpenedModel, model: ServedModel) -> None:
        """Let requests find one that has loaded, in the place of the one of its name."""
        old = self._served.get(model.name)
        if old is not None:
            self._aside[old] = None
        del self._aside[model]
        self._opened[model] = opened
        self._served[model.name] = model
        self.revision += 1

    def withdraw(self, model: ServedModel) -> None:
        """Let requests find it no more; it drains from now on."""
        del self._served[model.name]
        self._aside[model] = None
        self.revision += 1

    def forget(self, model: ServedModel) -> None:
        """It has ended."""
        del self._aside[model]

    def opened(self, model: ServedModel) -> OpenedModel:
        """What a model was made of."""
        return self._opened[model]

    def take_opened(self, model: ServedModel) -> OpenedModel:
        """The same, of one that is gone."""
        return self._opened.pop(model)

    def needs(self, opened: OpenedModel) -> bool:
        """Whether the files of what was opened are those of a model, parked or not."""
        return any(one.loaded is opened.loaded
                   for one in (*self._opened.values(), *self.parked.values()))

    def _not_served(self, name: str) -> RequestError:
        if name in self.parked:
            return ModelUnavailable(f'No worker is available to serve request for model: {name}')
        return ModelNotFound(f'No model {name} is served.')
