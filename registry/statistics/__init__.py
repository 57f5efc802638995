"""Statistics on counts and small arrays: numpy and scipy only, no database, no web.

Everything here takes numbers that a GROUP BY can deliver and returns frozen values that know how to
write themselves as JSON (`values`). No function reads a clock, draws a random number or rounds,
except the sentences and `disclosure`, whose business is rounding.

Glossary

due             treated patients whose analysis window has closed by the cut-off; the denominator
answered        complete answer inside the window
silent          due, alive, no answer: missing data, never an outcome
dead            died inside or before the window without an answer; non-response (composite rule)
disposition     what became of the request to one due patient: I complete, P partial, R refused,
                NC no contact, O other, U unknown eligibility, NE not eligible (dead)
RR1 to RR6      AAPOR response rates; RR1 is the lowest and the headline
NRI             non-responder imputation: every silent patient counts as not having the outcome
worst, best     bounds: none, or all, of the silent patients have the outcome
EAIR            exposure-adjusted incidence rate: patients with a first event per person-time to it
person-year     365.25 days; day 0 is the day of treatment
not estimable   a value with a reason, never 0, never NaN, never an exception
level           confidence level of a two-sided interval, 0.95 unless the caller says otherwise
"""
