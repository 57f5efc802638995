"""Messages that come back, as mail servers and people's mail programs write them."""

from email.utils import make_msgid

BOX = "bounces@registry.example.org"


def sender(tag: str) -> str:
    """The envelope sender with that tag."""
    return BOX.replace("@", f"+{tag}@")


def dsn(
    tag: str,
    status: str = "5.1.1",
    diagnostic: str = "smtp; 550 5.1.1 <pat@example.org>: no such user",
    action: str = "failed",
    words: str = "I could not deliver your message.",
    message_id: str = "",
) -> bytes:
    """A delivery report (RFC 3464), in the manner of Postfix."""
    fields = [
        "Final-Recipient: rfc822; pat@example.org",
        "Original-Recipient: rfc822;pat@example.org",
        f"Action: {action}",
        *([f"Status: {status}"] if status else []),
        *([f"Diagnostic-Code: {diagnostic}"] if diagnostic else []),
    ]
    return message(
        f"""Return-Path: <>
From: MAILER-DAEMON@mx.example.org (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {sender(tag)}
Auto-Submitted: auto-replied
Message-ID: {message_id or make_msgid(domain="mx.example.org")}
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="here"

This is a MIME-encapsulated message.

--here
Content-Type: text/plain

{words}

--here
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org
Arrival-Date: Thu, 29 Jan 2026 13:00:00 +0100

{chr(10).join(fields)}

--here
Content-Type: message/rfc822

Return-Path: <registry@example.org>
To: pat@example.org
Subject: Your follow-up questions

It is time for your questions.

--here--
"""
    )


def complaint(tag: str, kind: str = "abuse") -> bytes:
    """A complaint (RFC 5965), which goes to an address of its own: the tag is inside."""
    return message(
        f"""From: <feedback@provider.example.com>
To: <complaints@registry.example.org>
Subject: FW: Your follow-up questions
Message-ID: {make_msgid(domain="provider.example.com")}
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="part"

--part
Content-Type: text/plain

This is an email abuse report.

--part
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: Provider/1.0
Version: 1
Original-Mail-From: <{sender(tag)}>

--part
Content-Type: message/rfc822

From: <registry@example.org>
To: <pat@example.org>
Subject: Your follow-up questions

It is time for your questions.
--part--
"""
    )


def out_of_office(tag: str) -> bytes:
    """An automatic reply (RFC 3834)."""
    return message(
        f"""From: Pat Invented <pat@example.org>
To: {sender(tag)}
Subject: Automatic reply: Your follow-up questions
Auto-Submitted: auto-replied
In-Reply-To: <one@registry.example.org>
Message-ID: {make_msgid(domain="example.org")}

I am away until Monday. My old address <pat@example.com> no longer exists: 550 5.1.1.
"""
    )


def by_a_person(tag: str) -> bytes:
    """What somebody wrote to the envelope sender."""
    return message(
        f"""From: Pat Invented <pat@example.org>
To: {sender(tag)}
Subject: Re: Your follow-up questions
Message-ID: {make_msgid(domain="example.org")}

What is this about?
"""
    )


def exim(tag: str, reason: str = "550 5.1.1 unknown user") -> bytes:
    """A report in the manner of Exim's of old: words, and a header for programs."""
    return message(
        f"""From: Mail Delivery System <Mailer-Daemon@mx.example.org>
To: {sender(tag)}
X-Failed-Recipients: pat@example.org
Auto-Submitted: auto-replied
Subject: Mail delivery failed: returning message to sender
Message-ID: {make_msgid(domain="mx.example.org")}

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  pat@example.org
    SMTP error from remote mail server after RCPT TO:<pat@example.org>:
    {reason}

------ This is a copy of the message, including all the headers. ------
"""
    )


def qmail(tag: str) -> bytes:
    """A report in the manner of qmail: words only."""
    return message(
        f"""From: MAILER-DAEMON@mx.example.org
To: {sender(tag)}
Subject: failure notice
Message-ID: {make_msgid(domain="mx.example.org")}

Hi. This is the qmail-send program at mx.example.org.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<pat@example.org>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.
"""
    )


def message(text: str) -> bytes:
    """As it goes over the wire."""
    return text.replace("\n", "\r\n").encode()
