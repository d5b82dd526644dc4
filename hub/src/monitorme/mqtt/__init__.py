"""The parts of `monitorme.bus`.

`connection` begins, ends and begins again; `cork` and `packets` read and write in whole
pieces; `outgoing` is what is on its way out, `received` what has come, `requests` what
waits for an answer; `waker` ends the wait for all of them.
"""
