"""The loop of NetSpace's training: what is due at which step."""

import dataclasses

from netspace_jax.space.loop import events
from tests import tiny

CONFIG = tiny.netspace_config(steps=60, validations=3, log_every=20)


def test_events_log_and_validate_and_end_at_the_last_step():
    found = list(events(CONFIG, 0))
    assert [event.step for event in found if event.log] == [20, 40, 60]
    assert [event.step for event in found if event.validate] == [20, 40, 60]
    assert [event.step for event in events(CONFIG, 40)] == [60]
    uneven = list(events(dataclasses.replace(CONFIG, steps=50, validations=3), 0))
    assert [event.step for event in uneven if event.validate] == [17, 33, 50]
    assert uneven[-1].log and uneven[-1].validate


def test_windows_end_at_steps_of_their_own():
    found = list(events(CONFIG, 0, 25))
    assert [(event.step, event.log, event.validate) for event in found] == [
        (20, True, True),
        (25, False, False),
        (40, True, True),
        (50, False, False),
        (60, True, True),
    ]
