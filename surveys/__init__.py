"""The pure core: what is asked, when, and what an answer means. Standard library only.

Glossary
  time-point    months after treatment when a follow-up is due: 1, 3, 6, 12, 24 (0: enrolment)
  follow_up     one patient at one time-point
  window        the inclusive days since treatment inside which an answer counts for its time-point
  instrument    a versioned questionnaire: sections of questions, read from definitions/*.toml
  catalogue     every word a patient can see, in one language
  answer        the value given to one question; "prefer not to say" is a value, no key is missing
  response      all answers of one follow-up
  declined      answered with "prefer not to say": neither missing nor counted as an answer
  break-off     a response with under half of the questions that apply answered
  urgent        an answer after which the very next page gives emergency advice
  alert         an answer that the clinic has to look at
"""
