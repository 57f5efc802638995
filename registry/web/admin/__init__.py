"""Administration: sites, users, protocol, outbox, trail, mailbox. (Being written by the lead; staff helper: leave these to me.)"""
