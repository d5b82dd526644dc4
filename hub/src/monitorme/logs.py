"""One log format for everything: time, level, service, event first, then key=value."""

import logging
import sys
import time
from typing import Final

_FORMAT: Final = "%(asctime)s.%(msecs)03dZ %(levelname)-7s {service} %(message)s"


def configure(service: str, *, level: int = logging.INFO) -> None:
    """Log to standard error in the format of all services, in UTC."""
    formatter = logging.Formatter(_FORMAT.format(service=service), "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # Their information is for their own developers.
    for chatty in ("uvicorn", "transitions", "asyncio", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # It warns of every acknowledgement that it has forgotten to wait for.
    logging.getLogger("amqtt").setLevel(logging.ERROR)
