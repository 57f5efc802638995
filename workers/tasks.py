"""The jobs as Celery tasks: hints without an argument, for the tables are the schedule."""

from celery import shared_task

from workers.hands import hands


@shared_task(name="close_windows")
def close_windows() -> None:
    """Mark as missed what was not answered in its window."""
    hands.run("close_windows")


@shared_task(name="queue_due")
def queue_due() -> None:
    """Open the follow-ups whose day has come."""
    hands.run("queue_due")


@shared_task(name="new_links")
def new_links() -> None:
    """Write the letters with new links that were asked for."""
    hands.run("new_links")


@shared_task(name="remind_due")
def remind_due() -> None:
    """Write the reminders whose day has come."""
    hands.run("remind_due")


@shared_task(name="watch_silence")
def watch_silence() -> None:
    """Alert the clinics to silence that meets a closing window."""
    hands.run("watch_silence")


@shared_task(name="send_due")
def send_due() -> None:
    """Send the letters that are due."""
    hands.run("send_due")


@shared_task(name="read_bounces")
def read_bounces() -> None:
    """Read what came back to the bounce mailbox."""
    hands.run("read_bounces")


@shared_task(name="forget_requests")
def forget_requests() -> None:
    """Forget the keys of requests that are over 30 days old."""
    hands.run("forget_requests")


@shared_task(name="reckon")
def reckon() -> None:
    """Count whether the plan adds up."""
    hands.run("reckon")


@shared_task(name="watch_safety")
def watch_safety() -> None:
    """Look at serious events once a month."""
    hands.run("watch_safety")
