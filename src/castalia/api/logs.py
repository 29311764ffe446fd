"""The server's log: one JSON object a line, in files that replace one another."""

import logging
import logging.handlers
from pathlib import Path

import structlog

_FILE_BYTES = 20 * 1024**2
_FILES_KEPT = 5
_QUIET = ("uvicorn.access", "httpx", "httpcore", "alembic")


def configure_logging(directory: Path, *, level: int = logging.INFO) -> Path:
    """Has everything that is logged from now on written to a file in `directory`; returns it.

    Lines of libraries and of our own come out alike.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = directory / "castalia.log"
    handler = logging.handlers.RotatingFileHandler(
        file, maxBytes=_FILE_BYTES, backupCount=_FILES_KEPT, encoding="utf-8", delay=True
    )
    handler.setFormatter(_formatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    _configure_structlog()
    return file


def _formatter() -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _TRACEBACKS,
            structlog.processors.JSONRenderer(default=str),
        ],
    )


_TRACEBACKS = structlog.processors.ExceptionRenderer(
    # locals may hold passwords
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)
_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def _configure_structlog() -> None:
    structlog.configure(
        processors=[
            *_SHARED,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
