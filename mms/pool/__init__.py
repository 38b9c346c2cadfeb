"""The front's side of the workers: processes, and the supervisor that keeps them alive.

From outside: `supervisor.Supervisor`, `settings.PoolSettings`, `launcher.Launcher`,
`sizing.threads_for`, `scaling_policy.ScalingPolicy`, what `worker` has of states,
`process.WorkerProcess`, and what `process_errors` has of its end.
"""
