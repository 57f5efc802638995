"""What gunicorn loads beside the door of a demonstration: its processes wait for no disk, since a
power failure may take a demonstration with it, and look for garbage only in what came later.
"""

import gc
from typing import Any

from sqlalchemy import event
from sqlalchemy.pool import Pool


def post_fork(_server: object, _worker: object) -> None:
    """Called by gunicorn in each new worker, before it connects to a database."""
    event.listen(Pool, "checkout", do_not_wait)


def post_worker_init(_worker: object) -> None:
    """Called by gunicorn in each new worker, once it has its application."""
    gc.collect()
    gc.freeze()


def do_not_wait(connection: Any, *_: object) -> None:
    """For the event of a connection that was made or is taken from the pool."""
    connection.execute("PRAGMA synchronous=OFF")
