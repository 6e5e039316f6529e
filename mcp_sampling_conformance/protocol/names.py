"""Names that the specification gives to methods, members and values."""

from __future__ import annotations

#: the request that asks a client for a completion (client/sampling)
SAMPLING = "sampling/createMessage"
#: the requests of a client during which a server may sample
CALLS = frozenset({"tools/call", "prompts/get", "resources/read"})
#: the notifications that end a handshake, and take back a request
INITIALIZED = "notifications/initialized"
CANCELLED = "notifications/cancelled"
#: the request whose stream lasts until either side ends it (2026-07-28 basic/patterns/subscriptions)
SUBSCRIBE = "subscriptions/listen"
#: what the keys begin with that the specification keeps for itself in ``_meta`` (basic "_meta")
PREFIX = "io.modelcontextprotocol/"
#: where a modern request says what its client can do
CAPABILITIES = f"{PREFIX}clientCapabilities"
#: and which revision it speaks
VERSION = f"{PREFIX}protocolVersion"
#: and how much it wants to hear of what is logged
LOG_LEVEL = f"{PREFIX}logLevel"
#: the resultType of a result that asks for something (2026-07-28 basic/patterns/mrtr)
INPUT_REQUIRED = "input_required"
#: the error for a request whose ``_meta`` lacks a capability that it needs
#: (2026-07-28 schema MissingRequiredClientCapabilityError)
MISSING_CAPABILITY = -32021
#: JSON-RPC's for params that are not what the method takes
INVALID_PARAMS = -32602
#: what a party asks about the tasks that the other one made of its requests (2025-11-25 basic/utilities/tasks)
TASKS_GET, TASKS_RESULT, TASKS_CANCEL, TASKS_LIST = "tasks/get", "tasks/result", "tasks/cancel", "tasks/list"
TASK_OPERATIONS = (TASKS_GET, TASKS_RESULT, TASKS_CANCEL, TASKS_LIST)
TASK_STATUS = "notifications/tasks/status"
#: the key in ``_meta`` that says which task a message belongs to
RELATED_TASK = f"{PREFIX}related-task"
#: where a client declares that it makes tasks of sampling requests
TASKS_OF_SAMPLING = ("tasks", "requests", "sampling", "createMessage")
#: the states of a task that are final
TERMINAL = ("completed", "failed", "cancelled")
