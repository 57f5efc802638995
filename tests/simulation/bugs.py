"""Defects of senders, found in other systems or easily made here: the simulation must see each."""

from simulation.planting import Bug, Patch

DELIVERIES, FAULTS = "registry.actions.deliveries", "registry.actions.delivery_faults"
HANDOVERS = "registry.actions.handovers"
ATTEMPTS, OUTREACH = "registry.actions.attempts", "registry.actions.outreach"
REMINDERS, ENDINGS = "registry.actions.reminders", "registry.actions.endings"
QUERIES, LETTERS = "registry.queries.outreach", "registry.queries.letters"
HOURS, DELIVERY = "registry.queries.sending_hours", "workers.delivery"
REPLANNING, PLANS = "registry.actions.replanning", "registry.actions.plans"
RESPONSES, PREFERENCES = "registry.actions.responses", "registry.actions.preferences"
DATES, LIFECYCLE = "surveys.timepoints", "surveys.lifecycle"
NEVER_REFUSED = (
    f"{HANDOVERS}:_mark",
    "refusal = outreach.refusal_of(session, letter, stop, follow_up, at)",
    "refusal = None",
)
NO_STATE = Patch(
    f"{QUERIES}:_follow_up_refusal", "if state is not FollowUpState.OPEN:", "if False:"
)


def bug(name: str, means: str, *patches: tuple[str, str, str] | Patch) -> Bug:
    """A bug of one or more patches."""
    made = [one if isinstance(one, Patch) else Patch(*one) for one in patches]
    return Bug(name, means, tuple(made))


CLAIM_AND_MARK = (
    bug(
        "mark first",
        "sent is written before the mail goes (healthchecks)",
        (
            f"{HANDOVERS}:_mark",
            "OutboxState.HANDOVER, at + LEASE",
            "OutboxState.SENT, None",
        ),
    ),
    bug(
        "no marker",
        "nothing is written before the hand-over",
        (
            f"{HANDOVERS}:_mark",
            "if not _write(session, MARK,",
            "if not (lambda *_: True)(session, MARK,",
        ),
    ),
    bug(
        "no fence",
        "whoever comes back late may still record",
        (
            f"{ATTEMPTS}:Attempt.own",
            "scalars(OWN, mine)",
            "scalars(select(OutboxEmail).where(OutboxEmail.id == bindparam('id_'), OutboxEmail.state.in_(bindparam('states', expanding=True))), mine)",
        ),
        (
            f"{HANDOVERS}:_record",
            '"fence_": one.fence',
            '"fence_": session.scalar(select(_LETTERS.c.fence).where(_LETTERS.c.id == one.id))',
        ),
    ),
    bug(
        "fence does not rise",
        "a second claim looks like the first",
        (f"{DELIVERIES}:claim", "fence=OutboxEmail.fence + 1", "fence=OutboxEmail.fence"),
    ),
    bug(
        "local clock",
        "leases by the worker's own clock",
        (
            "registry.runtime:_clock_of",
            "return DatabaseClock(sessions.engine)",
            "return SystemClock()",
        ),
    ),
    bug(
        "no status check",
        "claims whatever is not ended, leased or not (Notify)",
        (
            f"{DELIVERIES}:_is_ready",
            "OutboxEmail.lease_until <= at,",
            "OutboxEmail.queued_at <= at,",
        ),
    ),
    bug(
        "sent is claimed",
        "the claim does not look at the end",
        (
            f"{DELIVERIES}:_is_ready",
            "OutboxState.LEASED, OutboxState.HANDOVER))",
            "OutboxState.LEASED, OutboxState.HANDOVER, OutboxState.SENT))",
        ),
        (
            f"{DELIVERIES}:_is_ready",
            "OutboxEmail.lease_until <= at,",
            "OutboxEmail.queued_at < at,",
        ),
    ),
    bug(
        "lapsed leases stay",
        "nobody takes over from the dead",
        (f"{DELIVERIES}:_is_ready", "return or_(waits, lapsed)", "return waits"),
    ),
    bug(
        "lapsed hand-overs stay",
        "an uncertain letter hangs for ever",
        (
            f"{DELIVERIES}:_is_ready",
            "(OutboxState.LEASED, OutboxState.HANDOVER)",
            "(OutboxState.LEASED,)",
        ),
    ),
    bug(
        "seven days back",
        "older letters are never looked at (Notify's age limit)",
        (
            f"{DELIVERIES}:_is_ready",
            "waits = and_(",
            "waits = and_(OutboxEmail.queued_at > at - timedelta(days=1), ",
        ),
    ),
    bug(
        "short lease",
        "the lease is shorter than the wait for a reply",
        (
            f"{HANDOVERS}:_mark",
            "OutboxState.HANDOVER, at + LEASE",
            "OutboxState.HANDOVER, at + LEASE / 8",
        ),
    ),
    bug(
        "no lease renewal",
        "the marker leaves the lease of the claim",
        (
            f"{HANDOVERS}:_mark",
            "state, until = OutboxState.HANDOVER, at + LEASE",
            "state, until = OutboxState.HANDOVER, letter.lease_until",
        ),
    ),
    bug(
        "no timeout",
        "nothing ends the wait for a mail server: simulated by a lease of a second",
        (
            f"{HANDOVERS}:_mark",
            "OutboxState.HANDOVER, at + LEASE",
            "OutboxState.HANDOVER, at + LEASE / 900",
        ),
    ),
    bug(
        "cancelled by release",
        "what was not begun is dropped",
        (
            f"{DELIVERIES}:release",
            "back(one, one.next_attempt_at)",
            "end(one, OutboxState.CANCELLED, None, at)",
        ),
    ),
    bug(
        "given up at the first death",
        "one lapsed lease parks",
        (f"{DELIVERIES}:_settle", "one.lapse_count >= LAPSES", "one.lapse_count >= 1"),
    ),
)
UNCERTAINTY = (
    bug(
        "resend uncapped",
        "as many copies as there are uncertain ends",
        (f"{DELIVERIES}:_settle", ">= COPIES + one.resent", ">= 99"),
        (f"{FAULTS}:mark_uncertain", ">= COPIES + one.resent", ">= 99"),
    ),
    bug(
        "uncertain is certain",
        "no reply means not delivered",
        (f"{DELIVERY}:_record_fault", "case Lost():", "case int():"),
    ),
    bug(
        "uncertain is sent",
        "no reply means delivered",
        (f"{FAULTS}:mark_uncertain", "one.uncertain_count += 1", "one.uncertain_count += 0"),
    ),
    bug(
        "deaths are not counted",
        "a lapsed hand-over is as good as new",
        (f"{DELIVERIES}:claim", "+ _one_if(OutboxState.HANDOVER)", "+ 0"),
    ),
    bug(
        "sent is not recorded",
        "the audit line is forgotten, so the commit is refused",
        (
            f"{HANDOVERS}:pass_on",
            "recorded = [] if taken is None else _record(session, taken, at)",
            "recorded = [] if taken is None else [] if _record(session, taken, at) else []",
        ),
        (f"{HANDOVERS}:mark_sent", "audit.record_many(session, told, by=by, at=at)", "pass"),
    ),
    bug(
        "sent goes back",
        "the reply is kept, the state is not",
        (f"{HANDOVERS}:_record", '"state_": OutboxState.SENT', '"state_": OutboxState.QUEUED'),
    ),
    bug(
        "a copy has its own date",
        "each copy is dated anew",
        (f"{LETTERS}:_made", "letter.dated_at or at", "at"),
    ),
    bug(
        "a copy has its own Message-ID",
        "the identity of an attempt, not of a letter",
        (
            f"{LETTERS}:_made",
            "instance, letter.id, domain",
            "instance, letter.id * 100 + letter.attempts, domain",
        ),
    ),
    bug(
        "a copy has its own link",
        "the link is made for each attempt",
        (
            f"{LETTERS}:_links",
            "follow_up_id, letter.number)\n",
            "follow_up_id, letter.number + letter.attempts - 1)\n",
        ),
    ),
    bug(
        "somebody else's link",
        "the link of the next row",
        (
            f"{LETTERS}:_links",
            "token = tokens.survey_token(keys, version, instance, follow_up_id, letter.number)",
            "token = tokens.survey_token(keys, version, instance, follow_up_id + 1, letter.number)",
        ),
    ),
    bug(
        "a copy follows the address",
        "the copy goes where the first did not",
        (
            f"{HANDOVERS}:_mark",
            "if not refusal and now.address_digest",
            "if False and now.address_digest",
        ),
    ),
)
FAILURES = (
    bug(
        "4xx is final",
        "a busy server loses the letter",
        (
            f"{FAULTS}:put_back",
            "back(one, at + BACK_OFF[0] if all_wait else retry_at(at, one.attempts))",
            "end(one, OutboxState.FAILED, reply, at)",
        ),
    ),
    bug(
        "4xx is forgotten",
        "a deferred letter is sent on paper",
        (
            f"{FAULTS}:put_back",
            "back(one, at + BACK_OFF[0] if all_wait else retry_at(at, one.attempts))",
            "end(one, OutboxState.SENT, None, at)",
        ),
    ),
    bug(
        "back-off without a cap",
        "days double with each failure",
        (
            f"{LIFECYCLE}:retry_at",
            "return at + BACK_OFF[min(failures, len(BACK_OFF)) - 1]",
            "return at + timedelta(days=4**failures)",
        ),
    ),
    bug(
        "5xx is tried again",
        "no such mailbox, for ever",
        (
            f"{FAULTS}:mark_failed",
            "end(one, OutboxState.FAILED, reply, at)",
            "back(one, retry_at(at, one.attempts))",
        ),
    ),
    bug(
        "a rejected letter is lost in the lease",
        "5xx is not written down",
        (
            f"{FAULTS}:mark_failed",
            "one = attempt.own(OutboxState.LEASED, OutboxState.HANDOVER)",
            "one = None",
        ),
    ),
)
STOPPING = (
    bug(
        "withdrawal is not checked at the marker",
        "what was claimed goes out",
        NEVER_REFUSED,
        (f"{ENDINGS}:_stop", "OutboxEmail.state.in_(WAITING)", "OutboxEmail.state == 'queued'"),
    ),
    bug(
        "an answer is not checked at the marker",
        "who has answered is asked again",
        NEVER_REFUSED,
        (f"{RESPONSES}:_close", '("queued", "leased")', '("queued",)'),
    ),
    bug(
        "unsubscribing is not checked at the marker",
        "one more letter after the last",
        NEVER_REFUSED,
        (f"{PREFERENCES}:_cancel", '("queued", "leased")', '("queued",)'),
    ),
    bug(
        "holds are not read",
        "who unsubscribed gets reminders",
        (f"{QUERIES}:stop_of", 'if row["hold"]:', "if False:"),
    ),
    bug(
        "an answer closes nothing",
        "the follow-up stays open",
        (
            f"{RESPONSES}:_close",
            "follow_up.state, follow_up.state_reason, follow_up.ended_at = state.value, None, at",
            "follow_up.ended_at = at",
        ),
    ),
    bug(
        "a withdrawal leaves the plan",
        "the follow-ups go on",
        (f"{ENDINGS}:_stop", "FollowUp.state.in_(AWAITED)", "FollowUp.state == 'none'"),
    ),
    bug(
        "a death leaves the plan",
        "only what is open is called off",
        (f"{ENDINGS}:_stop", "FollowUp.state.in_(AWAITED)", "FollowUp.state == 'open'"),
    ),
)
DAYS = (
    bug(
        "chained months",
        "each month counted from the one before",
        (
            f"{DATES}:plan_one",
            "add_months(treated_on, timepoint.month)",
            "__import__('functools').reduce(lambda day, _: add_months(day, 1), range(timepoint.month), treated_on)",
        ),
    ),
    bug(
        "thirty days a month",
        "months as days",
        (
            f"{DATES}:plan_one",
            "add_months(treated_on, timepoint.month)",
            "treated_on + timedelta(days=30 * timepoint.month)",
        ),
    ),
    bug(
        "days of UTC",
        "the patient's zone is not asked",
        (f"{QUERIES}:local_day", "at.astimezone(zone_of(zone)).date()", "at.date()"),
    ),
    bug(
        "due today only",
        "a day of downtime is a day of letters (REDCap)",
        (f"{OUTREACH}:_take_due", "FollowUp.due_on <= today", "FollowUp.due_on == today"),
    ),
    bug(
        "hours of UTC",
        "nine to five in Greenwich",
        (f"{HOURS}:send_at", "zone_of(follow_up.zone)", "zone_of('UTC')"),
    ),
    bug(
        "hours are not asked again",
        "a retry goes out at night",
        (f"{DELIVERIES}:_settle", "if later > at:", "if False:"),
    ),
    bug(
        "seven days a week",
        "no week-end",
        (f"{LIFECYCLE}:SendWindow.holds", "local.weekday() in self.weekdays and ", ""),
    ),
    bug(
        "opened without moving",
        "a follow-up is begun again and again",
        (f"{OUTREACH}:_take_due", "state=FollowUpState.OPEN,", "state=FollowUpState.PLANNED,"),
    ),
    bug(
        "windows close a day early",
        "the last day is not a day",
        (
            f"{OUTREACH}:close_windows",
            "lambda today: FollowUp.closes_on < today",
            "lambda today: FollowUp.closes_on <= today",
        ),
    ),
    bug(
        "windows never close",
        "silence is never written down",
        (
            f"{OUTREACH}:close_windows",
            "lambda today: FollowUp.closes_on < today",
            "lambda today: FollowUp.closes_on < date(2000, 1, 1)",
        ),
    ),
    bug(
        "one follow-up less",
        "the plan ends after a year",
        (
            f"{PLANS}:rows",
            "planned = protocol.plan(case.treated_on)",
            "planned = protocol.plan(case.treated_on)[:-1]",
        ),
    ),
    bug(
        "no reminders",
        "the rule never begins to count",
        (
            f"{HANDOVERS}:_mark",
            "if follow_up is not None and follow_up.remind_on is None:",
            "if False:",
        ),
    ),
    bug(
        "reminded every day",
        "the days of the rule are not kept",
        (
            f"{LIFECYCLE}:reminders",
            "[invited_on + timedelta(days=days) for days in rule.days]",
            "[invited_on + timedelta(days=number) for number, _ in enumerate(rule.days, 1)]",
        ),
        (f"{LIFECYCLE}:reminder_refusal", "if (on - mailed_on).days < rule.min_gap:", "if False:"),
    ),
    bug(
        "early by the hours of the plan",
        "due a day before",
        (
            f"{OUTREACH}:_take_due",
            "FollowUp.due_on <= today",
            "FollowUp.due_on <= today + timedelta(days=1)",
        ),
        (f"{OUTREACH}:_take_due", "& (FollowUp.due_on <= last_civil_day(at))", ""),
        (
            f"{OUTREACH}:_newest_due",
            "lambda today: FollowUp.due_on <= today",
            "lambda today: FollowUp.due_on <= today + timedelta(days=1)",
        ),
    ),
    bug(
        "a corrected date sends again",
        "the plan begins anew",
        (f"{REPLANNING}:_move", "if stays and dates.opens_on <= today:", "if False:"),
    ),
    bug(
        "a corrected date stops nothing",
        "what was begun goes out early",
        (f"{REPLANNING}:_move", "and (is_mailed or dates.due_on <= today)", ""),
    ),
)
BUGS = (*CLAIM_AND_MARK, *UNCERTAINTY, *FAILURES, *STOPPING, *DAYS)
