"""The one table of metrics. Names, units and aggregation are those of MMS 0.4."""

from __future__ import annotations

from typing import NamedTuple


class Definition(NamedTuple):
    """One metric.

    Attributes
    ----------
    name
        As readers of logs, CSV files and CloudWatch know it.
    unit
        In CloudWatch's spelling.
    per_model
        Kept for each model apart; else one for the host.
    is_sum
        An interval's value is the sum of what was recorded; else the average.
    """

    name: str
    unit: str
    per_model: bool
    is_sum: bool


METRICS: tuple[Definition, ...] = (
    Definition('PredictionTotal', 'Count', per_model=True, is_sum=True),
    Definition('Prediction4XX', 'Count', per_model=True, is_sum=True),
    Definition('Prediction5XX', 'Count', per_model=True, is_sum=True),
    Definition('LatencyOverall', 'Milliseconds', per_model=True, is_sum=False),
    Definition('LatencyPreprocess', 'Milliseconds', per_model=True, is_sum=False),
    Definition('LatencyInference', 'Milliseconds', per_model=True, is_sum=False),
    Definition('LatencyPostprocess', 'Milliseconds', per_model=True, is_sum=False),
    Definition('PingTotal', 'Count', per_model=False, is_sum=True),
    Definition('APIDescriptionTotal', 'Count', per_model=False, is_sum=True),
    Definition('CPUUtilization', 'Percent', per_model=False, is_sum=False),
    Definition('MemoryUtilization', 'Percent', per_model=False, is_sum=False),
    Definition('MemoryUsed', 'Megabytes', per_model=False, is_sum=False),
    Definition('MemoryAvailable', 'Megabytes', per_model=False, is_sum=False),
    Definition('DiskUtilization', 'Percent', per_model=False, is_sum=False),
    Definition('DiskUsed', 'Gigabytes', per_model=False, is_sum=False),
    Definition('DiskAvailable', 'Gigabytes', per_model=False, is_sum=False),
)

# Key of a service's stage times -> the metric that averages it.
STAGE_METRICS = {
    'preprocess': 'LatencyPreprocess',
    'inference': 'LatencyInference',
    'postprocess': 'LatencyPostprocess',
}

# What is looked at, not counted: written at the start too.
HOST_GAUGES = tuple(metric.name for metric in METRICS
                    if not metric.per_model and not metric.is_sum)
