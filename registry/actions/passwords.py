"""Passwords of staff: how they are hashed, and which are refused.

argon2id with the first choice of OWASP's password storage sheet in memory (46 MiB), twice its time.
At least 15 characters, no rules of composition, a list of common ones: NIST SP 800-63B-4, 3.1.1.
"""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

HASHER = PasswordHasher(time_cost=2, memory_cost=46 * 1024, parallelism=1)
SHORTEST = 15
LONGEST = 200
FEWEST_SIGNS = 6
COMMON = frozenset(
    "".join(words.split())
    for words in """
password password
my password is password
correct horse battery staple
the quick brown fox
qwerty uiop asdf ghjkl
qwerty uiop asdf ghjkl zxcv bnm
1234567890 qwertyuiop
1qaz 2wsx 3edc 4rfv
1q2w3e4r5t6y7u8i9o0p
abcdefghijklmnop
abcdefghijklmnopqrstuvwxyz
123456789012345
1234567890123456
12345678901234567890
let me in let me in
welcome welcome
change me change me
i love you i love you
administrator
administrator1234
outcomes registry
registry registry
to be or not to be
happy birthday to you
open sesame open sesame
trust no one trust no one
once upon a time
hospital hospital
""".strip().splitlines()
)


def faults(password: str, *about: str) -> list[str]:
    """Why this cannot be the password; `about`: name and address of its owner. Empty: it can."""
    plain = "".join(sign for sign in password.casefold() if sign.isalnum())
    names = [part for text in about for part in text.casefold().replace("@", " ").split()]
    if len(password) < SHORTEST:
        return [f"Use at least {SHORTEST} characters. Four or five words are easy to remember."]
    if len(password) > LONGEST:
        return [f"Use at most {LONGEST} characters."]
    if len(set(plain)) < FEWEST_SIGNS or plain.rstrip("0123456789") in COMMON or plain in COMMON:
        return ["This password is among those that are tried first. Choose other words."]
    if any(len(name) >= 3 and _is_mostly(plain, name) for name in names):
        return ["This password is mostly your name or address. Choose other words."]
    return []


def _is_mostly(plain: str, name: str) -> bool:
    rest = plain.replace("".join(sign for sign in name if sign.isalnum()), "")
    return len(plain) - len(rest) > len(plain) / 2


def is_right(hasher: PasswordHasher, hashed: str | None, password: str) -> bool:
    """Whether the password fits; for an account without one the same work is done for nothing."""
    try:
        fits = hasher.verify(hashed or _nobodys(hasher), password[:LONGEST])
    except VerificationError:
        return False
    return fits and hashed is not None


@cache
def _nobodys(hasher: PasswordHasher) -> str:
    return hasher.hash("the password of nobody at all")
