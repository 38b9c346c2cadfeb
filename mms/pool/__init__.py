"""The front's side of the workers: processes, and the supervisor that keeps them alive.

From outside: `supervisor.Supervisor`, `settings.PoolSettings`, `sizing.threads_for`, and what
`process` raises.
"""
