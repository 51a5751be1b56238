"""The loggers of the library: children of "theano", whose warnings go to stderr, and "theanojax", of the runtime.

What the runtime tells its logger, at the level INFO, it also says in a warning of a class of its own.
"""

import logging

theano_logger = logging.getLogger("theano")
theanojax_logger = logging.getLogger("theanojax")
logging_default_formatter = logging.Formatter(fmt="%(levelname)s (%(name)s): %(message)s")
logging_default_handler = logging.StreamHandler()
logging_default_handler.setFormatter(logging_default_formatter)


def has_handlers(logger: logging.Logger) -> bool:
    """Whether `logger` or one that it passes records on to has a handler."""
    return logger.hasHandlers()


if not has_handlers(theano_logger):
    theano_logger.addHandler(logging_default_handler)
theano_logger.setLevel(logging.WARNING)


def disable_log_handler(
    logger: logging.Logger = theano_logger, handler: logging.Handler = logging_default_handler
) -> None:
    """Take the library's own handler away."""
    if has_handlers(logger):
        logger.removeHandler(handler)
