"""What every test may use."""

import os
import signal

from hypothesis import HealthCheck, settings

pytest_plugins = [
    "fix_database",
    "fix_bench",
    "fix_embedded",
    "fix_people",
    "fix_bouncer",
    "fix_users",
    "fix_repository",
]

# As the command does: threads of numpy's that wait for each other spin.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Else each of the hundreds of commands that tests start compiles the package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A shell ignores Ctrl-C for what it runs in the background, and commands inherit that; tests of it need the default.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says more of the machine than of the code.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")
