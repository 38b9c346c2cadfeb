"""The front without a server or workers: its application over models that a test makes."""

from mms.frontend.application import Application
from mms.frontend.middleware import standard_middleware
from mms.frontend.predictor import Predictor
from mms.frontend.routes import routes
from mms.frontend.routing import Table
from mms.runtime.byte_budget import ByteBudget
from mms.serving.readiness import ServerHealth
from mms.serving.server_state import ServerState


class Healthy:
    has_started = True

    def report(self):
        return ServerHealth(ServerState.SERVING, 0.0, '')


class NoCounts:
    def count(self, name, model=None):
        pass

    def observe_stages(self, stage_times_ms, model):
        pass


def application(models, counts=None, *middleware, more_routes=(), most=1000, budget=None,
                describe=dict, monitor=None):
    """All routes, and `more_routes`, with `middleware` inside the standard one."""
    counts = counts or NoCounts()
    predictor = Predictor(models, counts, most, budget or ByteBudget())
    table = Table([*routes(predictor, describe, monitor or Healthy()), *more_routes], models)
    return Application(table, [*standard_middleware(counts), *middleware])
