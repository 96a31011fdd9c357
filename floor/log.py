"""One line per event, for a person at a terminal or as JSON for a machine that collects them."""

import logging
import sys

import structlog

from floor.settings import Settings


def start_log(settings: Settings) -> None:
    """Send structlog and the libraries' own loggers to standard output, in the form HALL_LOG asks for.

    The libraries speak from "warning" up. The supervisor stamps its children's text lines, so they carry no time.
    """
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
    ]
    if settings.log == "json":
        shared += [structlog.processors.TimeStamper(fmt="iso", utc=True), structlog.processors.format_exc_info]
        renderer: structlog.types.Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        # Plain: the pretty tracebacks print local variables, and among those are credentials.
        plain = structlog.dev.plain_traceback
        renderer = structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, exception_formatter=plain)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    for library in ("uvicorn", "websockets", "asyncio", "httpx2", "httpcore2", "PIL"):
        logging.getLogger(library).setLevel(logging.WARNING)
