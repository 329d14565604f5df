"""What makes tests hold on a busy machine: nothing is timed, and processes do not fight for the cores.

Properties are tested on the same examples every time, so that a change is blamed for what it did and for nothing else.
`EXPLORE=1 make unit` tries others, as `make test-long` does.

One thread per process for numpy's BLAS: our matrices are small, and threads wait for each other. Measured at a load of
20 on two cores: 40 seconds for what one thread does in 2. To be said before numpy is imported.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from hypothesis import HealthCheck, settings

settings.register_profile(
    "ours", deadline=None, derandomize="EXPLORE" not in os.environ, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ours")
